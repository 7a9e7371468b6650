"""Learning: specific networks from pictures, and adapters by back-distillation.

The way of an adapter: an `Edge` becomes a `Joint` (features and scales), `starts` solves for a
first adapter from pseudo-gradients (`surrogate`, `gates`, `pairs`, `moments`, `solve`) and from
features (`stitching`), `objective` and `trainer` improve it where there are pictures, and `learn`
puts them together by the method of the spec; `transplant` chooses one. Training leaves states at a
`checkpoint`, from which it goes on with the same bits.
"""
