/** Of the aggregator: a mask for every survivor, and one for every pair of a survivor and a member that dropped out. */
export function expansionsOf(n: number, dropped: number): number {
  const lost = Math.floor(dropped * n)
  return (n - lost) * (1 + lost)
}
