/**
 * A list whose items are made when they are asked for. Those of a large batch are then not alive all at once: what lives for the length of one
 * step costs the garbage collector nothing, what lives for the length of a batch is copied twice and marked. An array is such a list, too.
 */
export interface LazyList<Item> extends Iterable<Item> {
  readonly length: number
  /** The item at a place, counted from the end when negative; undefined where there is none. */
  at(index: number): Item | undefined
}
