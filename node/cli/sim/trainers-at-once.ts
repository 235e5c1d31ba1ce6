/** Parameters of a base of which each trainer may have a copy of its own: 0.2 GB in 32-bit floats. */
const COPIED_PARAMETERS_MAX = 50_000_000

/**
 * How many peers train side by side. Steps of a small base are too short to share among threads; a large one keeps all of
 * them busy with one step, and is held once instead of once per trainer.
 * @param parameters - of the base
 * @param threads - that compute
 */
export function trainersAtOnce(parameters: number, threads: number, peers: number): number {
  return parameters > COPIED_PARAMETERS_MAX ? 1 : Math.min(threads, peers)
}
