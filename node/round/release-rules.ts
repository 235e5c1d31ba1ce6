/**
 * The rules by which a member gives shares away and goes on after a restart, on plain data. unmasking.ts, resume.ts
 * and result.ts go by them; docs/model-checking.md says how every order of events was tried.
 */

/**
 * How far a member takes part. `probing`: not before it knows what it said earlier. `voter`: its secrets are gone
 * with a restart, its votes are safe in the journal. `silent`: it cannot know what it said.
 */
export type Participation = 'probing' | 'full' | 'voter' | 'silent'

/** Where the agreement on survivors stands. */
export interface SurvivorsStanding<Value> {
  /** The value with a commit certificate. */
  readonly decided: Value | null
  /** The value with the highest prepare certificate that this member has committed to. */
  readonly lock: Value | null
}

export interface Releaser {
  readonly participation: Participation
  /** In U2: it holds a share of everyone there. */
  readonly isDealer: boolean
  /** In this attempt, also before a restart. */
  readonly released: boolean
}

/** Whether a member still hopes for the round's sum. */
export interface Hopes {
  /** It has one, is working on one, or has all the shares for one. */
  mayStillFinish(): boolean
  /** Every member has led the agreement on the result. */
  readonly everyoneHasLed: boolean
  /** A quorum of the committee of verifiers attests it (else: a loss), and it fits all that this member can check. */
  readonly isAttested: boolean
  /** A new view allows it to give up. */
  readonly abortable: boolean
}

/** What is known of a value proposed as the round's result. */
export interface ProposedResult extends Hopes {
  /** It is what this member computed itself, now or (its vote is in the journal) before a restart. */
  readonly isOwn: boolean
  readonly isLoss: boolean
  /** This member has computed a result. */
  readonly hasResult: boolean
  /** Its leader had to propose it: it has a prepare certificate of an earlier view. */
  readonly isRepeated: boolean
}

export interface ReleaseRules {
  /** The value for whose survivors shares may be released now, or null. */
  releasable<Value>(standing: SurvivorsStanding<Value>, releaser: Releaser): Value | null
  /**
   * What a member does in an attempt in which it starts.
   * @param spoke - its journal says that it took part before the restart
   * @param unknownWords - others hold words of it that its journal does not explain
   */
  participationAfter(spoke: boolean, unknownWords: boolean): Participation
  /** True if this member would have the round lost: it cannot finish, or every member has led in vain. */
  mayLose(hopes: Hopes): boolean
  /** Whether a proposed result may be voted for. `later`: not before this member has computed its own. */
  judgeResult(proposed: ProposedResult): 'valid' | 'invalid' | 'later'
}

export const releaseRules: ReleaseRules = {
  releasable({ decided }, { participation, isDealer, released }) {
    return participation === 'full' && isDealer && !released ? decided : null
  },
  participationAfter(spoke, unknownWords) {
    if (unknownWords) return 'silent'
    return spoke ? 'voter' : 'full'
  },
  mayLose,
  judgeResult(proposed) {
    const { isOwn, isLoss, isAttested, hasResult, isRepeated } = proposed
    if (isOwn) return 'valid'
    if (isLoss) return mayLose(proposed) ? 'valid' : 'invalid'
    if (hasResult) return 'invalid'
    if (isAttested) return 'valid'
    // No leader may propose anything else any more, and the quorum behind it holds an honest member that computed it.
    return isRepeated && mayLose(proposed) ? 'valid' : 'later'
  }
}

/** Shares that a dealer made wrong may open for some and not for others, for ever: then a loss ends the round. */
function mayLose({ mayStillFinish, everyoneHasLed, isAttested, abortable }: Hopes): boolean {
  return abortable && (everyoneHasLed || isAttested || !mayStillFinish())
}
