import { AggregationError } from './errors.ts'

/** @throws AggregationError BAD_SETTING unless the setting holds what it should */
export function checkSetting(setting: string, got: unknown, expected: string, holds: boolean): void {
  if (!holds) {
    const message = `${setting} must be ${expected}, got ${String(got)}`
    throw new AggregationError('BAD_SETTING', { setting, got, expected }, message)
  }
}

/** @throws AggregationError BAD_SETTING */
export function checkPositive(setting: string, got: number): void {
  checkSetting(setting, got, 'finite and above 0', got > 0 && Number.isFinite(got))
}

/** @throws AggregationError BAD_SETTING */
export function checkWhole(setting: string, got: number, min: number, max = Number.MAX_SAFE_INTEGER): void {
  const expected = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`
  checkSetting(setting, got, `a whole number ${expected}`, Number.isInteger(got) && got >= min && got <= max)
}

/** Of (epsilon, delta): the probability with which epsilon need not hold. @throws AggregationError BAD_SETTING */
export function checkDelta(got: number): void {
  checkSetting('delta', got, 'above 0 and below 1', got > 0 && got < 1)
}
