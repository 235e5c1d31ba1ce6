import { checkPositive, checkSetting } from './dp-checks.ts'

/** How far one client can move a sum of integers. */
export interface IntegerSensitivity {
  readonly l1: number
  readonly l2: number
}

/**
 * Rényi divergence of Skellam noise of variance mu in every coordinate, an upper bound:
 * alpha l2² / (2 mu) + min(((2 alpha - 1) l2² + 6 l1) / (4 mu²), 3 l1 / (2 mu)).
 * The first term is the Gaussian's; the rest shrinks as the noise grows.
 * Source: Agarwal, Kairouz and Liu 2021, arXiv:2110.04995, theorem 3.5, as distributed_dp of Google Research has it.
 * @param order - alpha, a whole number from 2 on: the theorem holds at no other
 * @param variance - mu of the sum that is released, in squared integer steps
 */
export function skellamRdp(order: number, { l1, l2 }: IntegerSensitivity, variance: number): number {
  checkSetting('order', order, 'a whole number from 2 on', Number.isInteger(order) && order >= 2)
  checkPositive('variance', variance)
  const gaussian = (order * l2 * l2) / (2 * variance)
  const squared = ((2 * order - 1) * l2 * l2 + 6 * l1) / (4 * variance * variance)
  return gaussian + Math.min(squared, (3 * l1) / (2 * variance))
}
