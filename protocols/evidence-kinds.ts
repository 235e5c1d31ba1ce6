/** What a member can be expelled for. evidence.ts says what shows it. */
export const EVIDENCE_KINDS = ['equivocation', 'wrong-share', 'bad-secret', 'wrong-result'] as const

export type EvidenceKind = (typeof EVIDENCE_KINDS)[number]

export function isEvidenceKind(text: string): text is EvidenceKind {
  return (EVIDENCE_KINDS as readonly string[]).includes(text)
}
