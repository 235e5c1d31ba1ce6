/**
 * First-fit packing: each item goes into the first window that has room for it, in the order given.
 * Source: Johnson 1973, "Near-optimal bin packing algorithms"; at most 1.7 times the fewest windows. O(n log n).
 * @param lengths - [n], each 1..capacity
 * @returns windows as lists of item numbers, none empty
 */
export function firstFit(lengths: readonly number[], capacity: number): number[][] {
  // A tree over as many windows as there are items; a node holds the largest room below it.
  let leaves = 1
  while (leaves < lengths.length) leaves *= 2
  const room = new Int32Array(2 * leaves).fill(capacity)
  const windows: number[][] = []
  lengths.forEach((length, item) => {
    if (!(length >= 1 && length <= capacity)) {
      throw new RangeError(`expected a length of 1 to ${capacity}, got ${length}`)
    }
    let node = 1
    while (node < leaves) node = room[2 * node]! >= length ? 2 * node : 2 * node + 1
    const window = node - leaves
    room[node]! -= length
    for (node >>= 1; node >= 1; node >>= 1) room[node] = Math.max(room[2 * node]!, room[2 * node + 1]!)
    if (window === windows.length) windows.push([])
    windows[window]!.push(item)
  })
  return windows
}
