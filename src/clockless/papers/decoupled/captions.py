"""What each figure shows, for the report."""

CAPTIONS = {
    "errors": "8 x 8 digits, width 256, Adam 1e-3, batches of 64: test error after 2,000 steps against the number of layers "
    "(left; dashes: an independent implementation, three seeds) and along training (right). DNI: linear interface "
    "without the label, or with a hidden layer of 256; cDNI: linear interface with the label; p: each layer "
    "updates with probability p after each forward pass. Means over seeds with 95 % intervals (Student's t). A "
    "second row, if there is one, is MNIST.",
    "alignment": "Cosine of synthetic and true gradient at the boundary after each layer, along the training of the deepest "
    "stack of the figure of errors, over the batch of the next step. Bands: 95 % interval of the mean over seeds. "
    "With all layers acting an interface without the label cannot know what the label decides.",
    "interfaces": "Four layers on digits as in the figure of errors, 1,000 steps: synthetic gradients without the label by "
    "interfaces from a linear one to two hidden layers of 1,024, beside backprop, no-backprop and cDNI. Test error (left) "
    "and cosine of synthetic and true gradient, mean over boundaries (right). Bands: 95 % interval of the mean over seeds.",
    "bridge": "Four layers that update with probability p after each forward pass, by backprop (above) and cDNI (below): "
    "mean test cost against step x p (left), against steps (middle), and against step x p with batch normalisation by the "
    "test set's own moments (right), where running statistics have no part. "
    "Bands: 95 % interval of the mean over seeds.",
    "weights": "A classifier with 32 hidden units whose weights have 4 to 64 levels from -1 to 1 and move one level by the "
    "sign of a batch's gradient, each with probability p; 300 updates per weight, whatever p. Training cost where the other "
    "weights do not act (left; open marks: p = 1 for as many steps as p = 0.2) or are absent from the step (middle; "
    "DropConnect), and test error (right). Grey: weights of any value that change in proportion to the gradient. "
    "Geometric means over tasks with 95 % intervals.",
    "speed1": "784-256-..-10, batches of 256, one process, one thread: processor time of plain backprop (a compiled JAX "
    "step) over that of each method, per iteration (left) and per update of a layer (right). At p < 1 an iteration is "
    "cheap because it does less; an update is dearer, because fewer of them share a forward pass.",
    "speed2": "8 x 8 digits, width 256, batches of 256, Adam 1e-3: steps (left) and processor time without tests (right) "
    "until the test error is at most 5 %. Points are seeds; where one is missing it took more than 3,000 steps. A worker "
    "per layer: virtual time of the simulation, in which an event takes what it takes of a processor here.",
    "speed3": "cDNI on several workers over plain backprop on one. Bounds: the busiest worker's share, by multiply-adds "
    "(with interfaces for free, and counted) and by measured times of layers. Real processes: two, pinned, on this "
    "machine, by the clock on the wall, which counts on an idle machine only, and by the processor time of the busiest; "
    "wide: six equal layers of width 1,024. Means over replicas; dots and whiskers: the least and the largest.",
    "speed4": "Gains over plain backprop for six layers, quantity by quantity: they are different things, and a gain in "
    "one says nothing about the others. What one worker saves by skipping work shows in the first column, what more "
    "workers save in the last. A dash: not reached by every seed, or not measured.",
    "mnist-speed": "MNIST, 784-256-..-10, batches of 256, Adam 1e-3, one thread: gains over backprop in processor time per "
    "iteration, per update of a layer, and until 10 % test error, which is missing where a seed has not reached it within "
    "400 updates per layer; a worker per layer is simulated. Right: test error after equally many updates. Dotted: "
    "3-fold. Means over seeds with 95 % intervals.",
}
