import { ReleaseError } from '../errors.ts'
import { stringAt } from '../json.ts'
import type { Http } from '../world/http.ts'
import { HttpFault } from '../world/http-fault.ts'
import type { Secret } from '../world/secret.ts'
import { lazily } from './lazily.ts'
import { readTagRulesets, type TagRuleset } from './rulesets.ts'
import { githubClient, githubClientOnce, isRefusal, orRefusal, type Refusal } from './api-client.ts'

export interface Commit {
  sha: string
  /** Who wrote it: the tagger of its release tag, as with Bundler's task under the incumbent's git set-up. */
  author: { name: string; email: string }
}

/** A tag as GitHub has it; `commit` is what it points at after peeling. */
export interface RemoteTag {
  commit: string
  annotated: boolean
  /** What an annotated tag says, without a signature; empty for a lightweight one. */
  message: string
}

export interface NewTag {
  name: string
  message: string
  commit: string
  tagger: { name: string; email: string; date: Date }
}

/** The repository's commits and tags through GitHub's REST API: nothing is left in the checkout, no git is run. */
export interface Repository {
  readonly name: string
  /** A commit GitHub knows, or undefined. */
  commit(sha: string): Promise<Commit | undefined>
  tag(name: string): Promise<RemoteTag | undefined>
  /** The rulesets in force that restrict the creation of tags; none where they cannot be read. */
  tagRulesets(): Promise<readonly TagRuleset[]>
  /**
   * Makes the annotated tag's object, which no ref names yet: invisible, and needs the same permission as the tag
   * itself, so that a missing one is found before anything is public. Throws ReleaseError (`tag-not-permitted`).
   */
  prepareTag(tag: NewTag): Promise<string>
  /** Points `refs/tags/NAME` at the object; `exists` where the tag is there already. Never moves a tag. */
  createTag(name: string, object: string): Promise<'created' | 'exists'>
}

export function createRepository(options: { name: string; apiUrl: string; token: Secret; http: Http }): Repository {
  const [owner = '', repo = ''] = options.name.split('/')
  const here = { owner, repo }
  const client = lazily(() => githubClient(options.token, options.apiUrl, options.http))
  const once = lazily(() => githubClientOnce(options.token, options.apiUrl, options.http))
  return {
    name: options.name,
    async commit(sha) {
      const { rest } = await client()
      const answer = await orRefusal(rest.git.getCommit({ ...here, commit_sha: sha }))
      if (!isRefusal(answer)) return commitIn(answer.data, options.name)
      if (answer.status === 404 || answer.status === 409 || answer.status === 422) return undefined
      throw cannotRead(options.name, answer)
    },
    async tag(name) {
      const { rest } = await client()
      const ref = await orRefusal(rest.git.getRef({ ...here, ref: `tags/${name}` }))
      if (isRefusal(ref)) {
        if (ref.status === 404) return undefined
        throw cannotRead(options.name, ref)
      }
      let { sha, type } = objectIn(ref.data, options.name)
      const annotated = type === 'tag'
      let message = ''
      // A tag may name a tag; five levels are more than anybody makes on purpose.
      for (let level = 0; type === 'tag' && level < 5; level++) {
        const object = await orRefusal(rest.git.getTag({ ...here, tag_sha: sha }))
        if (isRefusal(object)) throw cannotRead(options.name, object)
        if (level === 0) message = unsigned(stringAt(object.data, 'message') ?? '')
        ;({ sha, type } = objectIn(object.data, options.name))
      }
      return { commit: sha, annotated, message }
    },
    async tagRulesets() {
      try {
        return await readTagRulesets(here, once)
      } catch (error) {
        // They are asked for to refuse early; who cannot ask finds out when the tag is created.
        if (error instanceof HttpFault) return []
        throw error
      }
    },
    async prepareTag({ name, message, commit, tagger }) {
      const { rest } = await client()
      const answer = await orRefusal(
        rest.git.createTag({
          ...here,
          tag: name,
          message,
          object: commit,
          type: 'commit',
          tagger: { name: tagger.name, email: tagger.email, date: tagger.date.toISOString() },
        }),
      )
      if (!isRefusal(answer)) return shaIn(answer.data, options.name)
      throw notPermitted(name, options.name, answer)
    },
    async createTag(name, object) {
      const { rest } = await client()
      const answer = await orRefusal(rest.git.createRef({ ...here, ref: `refs/tags/${name}`, sha: object }))
      // A success that does not name the object is nobody's word that there is a tag now.
      if (!isRefusal(answer) && objectIn(answer.data, options.name).sha === object) return 'created'
      if (!isRefusal(answer)) throw unusable(options.name)
      if (answer.status === 422 && /already exists/i.test(answer.message)) return 'exists'
      throw notPermitted(name, options.name, answer)
    },
  }
}

/** What octokit's types promise and nobody has checked: a cache or a proxy may have answered. */
function commitIn(data: unknown, repository: string): Commit {
  const name = stringAt(data, 'author', 'name')
  const email = stringAt(data, 'author', 'email')
  if (name === undefined || email === undefined) throw unusable(repository)
  return { sha: shaIn(data, repository), author: { name, email } }
}

function objectIn(data: unknown, repository: string): { sha: string; type: string } {
  return { sha: shaIn(data, repository, 'object'), type: stringAt(data, 'object', 'type') ?? '' }
}

function shaIn(data: unknown, repository: string, ...path: string[]): string {
  const sha = stringAt(data, ...path, 'sha') ?? ''
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(sha)) throw unusable(repository)
  return sha
}

/** A signed tag's message ends in its signature (git-tag(1), gitformat-signature(5)). */
function unsigned(message: string): string {
  return message.replace(/^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SSH SIGNATURE|SIGNED MESSAGE)-----.*/ms, '')
}

function unusable(repository: string): ReleaseError {
  return new ReleaseError({
    code: 'github-unavailable',
    what: `GitHub's API answered a question about ${repository} with something else than was asked for.`,
    why: 'It may have come from a cache or a proxy.',
    fix: 'Re-run the job: what is published already is recognised by its digest.',
  })
}

function cannotRead(repository: string, { status, message }: Refusal): ReleaseError {
  return new ReleaseError({
    code: 'github-unavailable',
    what: `GitHub refused to show the tags of ${repository}: ${String(status)} ${JSON.stringify(message)}.`,
    why: status === 401 ? 'The `token` is not valid (any more).' : 'The `token` may not read this repository.',
    fix: 'Give the job `permissions: contents: write`, or set `token:` to one that may read and tag this repository, or set `tag: false`.',
  })
}

function notPermitted(tag: string, repository: string, { status, message }: Refusal): ReleaseError {
  const ruleset = /rule violation|protected/i.test(message)
  return new ReleaseError({
    code: 'tag-not-permitted',
    what: `GitHub refused to create the tag ${tag} in ${repository}: ${String(status)} ${JSON.stringify(message)}.`,
    why: ruleset
      ? 'A ruleset of the repository protects this tag name, and the token’s owner is not on its bypass list.'
      : 'The job’s token lacks the permission `contents: write`, or the commit has other workflow files than the default branch, which a job’s token may not tag.',
    fix: ruleset
      ? 'Set `token:` to a token of a GitHub App on the ruleset’s bypass list, or start the release by pushing the tag, or set `tag: false`.'
      : 'Add `contents: write` to the job’s `permissions:`, or set `token:` to one that may, or start the release by pushing the tag, or set `tag: false`.',
  })
}
