/** What came of opening a backend and multiplying with it, in a process of its own. */
export type TrialOutcome =
  | {
      readonly kind: 'works'
      readonly description: string
      readonly threads: number
      /** Of a product as in a training step, all threads together. */
      readonly gflopPerSecond: number
      readonly gflopPerCpuSecond: number
      /** Why `auto` does not take it although it works; null if it does. */
      readonly notByItself: { readonly reason: string; readonly fix: string } | null
    }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly fix: string }
  /** It opens, and computes something else than it should. */
  | { readonly kind: 'wrong'; readonly reason: string }
  /** Its process died, or was still not done after a time. */
  | { readonly kind: 'died'; readonly reason: string }
