/** A model of the Hub, as a person names it: `owner/name`, and `@revision` if it is not the main branch. */
export interface HubModel {
  /** `owner/name`. */
  readonly repo: string
  /** A branch, a tag or a commit. */
  readonly revision: string
}

/** A commit, as Git and the Hub write it. */
export const commitPattern = /^[0-9a-f]{40}$/

/** Source: `validate_repo_id` of huggingface_hub. */
const repoPart = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/

/** What Git allows of a branch's or tag's name and no file system trips over: it becomes a path of the cache. */
const revisionPattern = /^(?!.*(?:\.\.|\/\/))[A-Za-z0-9_](?:[A-Za-z0-9._/-]{0,198}[A-Za-z0-9_])?$/

/** @returns null for what cannot be a model of the Hub: a path, or a word */
export function hubModelOf(text: string): HubModel | null {
  const at = text.indexOf('@')
  const repo = at < 0 ? text : text.slice(0, at)
  const revision = at < 0 ? 'main' : text.slice(at + 1)
  const parts = repo.split('/')
  const isModel = parts.length === 2 && parts.every(part => repoPart.test(part))
  return isModel && revisionPattern.test(revision) ? { repo, revision } : null
}
