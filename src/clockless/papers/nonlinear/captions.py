"""What each figure shows, for the report."""

CAPTIONS = {
    "drn": "Deep resistive networks on MNIST, centred equilibrium propagation, four examples a step: part of the test set "
    "(solid) and of the examples learned from in an epoch, as they came (dashed), that is classified wrongly. Bands: 95 % "
    "intervals of the mean over seeds, if there are several. Stars and crosses: arXiv 2402.11674, test and training error.",
    "drn-clocks": "One hidden layer of 100 nodes (XS), nodes that act with probability p in each step: a node that does not "
    "act leaves the conductances from the layer below and its own current as they are. Test error against epochs, where p "
    "costs, and against epochs × p, updates of a node; and after two epochs against p. Bands and bars: 95 % intervals of "
    "the mean over seeds.",
}
