"""Learning: specific networks from pictures, and adapters by back-distillation.

From bottom to top: `layer_rules` and `pseudo_gradients` carry gradients back through one task
module; `edges` has what is known of an edge, its features, its gradients and the equations that are
solved for an adapter; `training` improves an adapter, or trains a network, from pictures; `starts`
and `methods` have one class for everything that a spec can name; `learn` learns an edge by its
method, and `measure` says how good the result is. Training saves its state to a `checkpoint`, from
which it resumes with the same bits.
"""
