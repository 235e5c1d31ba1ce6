/**
 * Adds the gradient of the proximal term mu / 2 |w - w0|² that keeps local training near the global adapter.
 * Source: Li et al. 2020 (FedProx), arXiv:1812.06127, equation 2.
 * @param gradient - shape [d], changed in place
 * @param weights - w, shape [d]
 * @param start - w0, shape [d]
 */
export function addProximalGradient(
  gradient: Float32Array,
  weights: Float32Array,
  start: Float32Array,
  mu: number
): void {
  for (let i = 0; i < gradient.length; i++) gradient[i]! += mu * (weights[i]! - start[i]!)
}
