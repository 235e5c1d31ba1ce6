/** What settings cost in privacy, or how much noise a wanted epsilon takes. */
import type { CommandHost } from './host.ts'
import { type PrivacyOptions, privacyCost } from './privacy/cost.ts'
import { costLines, costWarnings, guessedRightAtMost } from './privacy/words.ts'

/** @throws UserError, AggregationError as privacyCost */
export function showPrivacy(options: PrivacyOptions, { output }: CommandHost): void {
  const cost = privacyCost(options)
  for (const line of costLines(cost, options.clip)) output.say(line)
  const warnings = costWarnings(cost)
  for (const warning of warnings) output.warn(warning)
  const { plan, ...figures } = cost
  const ring =
    plan === null
      ? null
      : {
          bits: plan.settings.ringBits,
          clipLevels: plan.clipLevels,
          levelMax: plan.levelMax,
          l2Bound: plan.l2Bound,
          shareVariance: plan.shareVariance
        }
  output.event({
    event: 'done',
    ...figures,
    guessedRightAtMost: guessedRightAtMost(cost.epsilon, cost.delta),
    ring,
    warnings
  })
}
