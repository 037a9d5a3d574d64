import { createHash, randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { parseDocument } from 'yaml'
import { accountId } from '../oidc.ts'
import { readSpec } from './gem-spec.ts'
import { canonicalNumber, isPrerelease } from './gem-version.ts'
import { hashKey, newKey } from './keys.ts'
import { gemspecYaml, type SeedGem, seedGem } from './seed-gem.ts'
import type { Store } from './store.ts'
import { fullNames } from './version-rules.ts'
import type { GemRow, PolicyStatement, PublisherRow, Scope, VersionRow } from './world.ts'

/** The user to whom everything belongs that is given no other. */
export const MAINTAINER = 'maintainer'

export interface PublisherForm {
  gem: string
  /** `OWNER/NAME` */
  repository: string
  /** File name of the workflow, such as `release.yml`. */
  workflow: string
  environment?: string
  /** `OWNER/NAME` of the repository the workflow file is in, where that is another one. */
  workflowRepository?: string
  /** Account id of the repository's owner; `accountId(owner)` when absent. */
  ownerId?: string
  /** Handle of the user who fills in the form. */
  user?: string
}

export interface UserKeyForm {
  /** Gems the key's user owns. */
  gems?: string[]
  scopes?: Scope[]
  user?: string
  /** The one gem the key is limited to. */
  gem?: string
}

export interface RoleForm {
  name?: string
  user?: string
  scopes?: Scope[]
  gem?: string
  validForSeconds?: number
  /** Conditions of a single allowing statement; or whole statements. */
  conditions?: PolicyStatement['conditions']
  statements?: PolicyStatement[]
}

/** Finds or makes the row for a form: one row serves every gem with the same values. */
export function publisherRow(store: Store, form: PublisherForm): PublisherRow {
  const [owner = '', name = ''] = form.repository.split('/')
  const [workflowOwner = null, workflowName = null] =
    form.workflowRepository === undefined || form.workflowRepository === form.repository
      ? []
      : form.workflowRepository.split('/')
  const values = {
    repositoryOwner: owner,
    repositoryName: name,
    repositoryOwnerId: form.ownerId ?? accountId(owner),
    workflowFilename: form.workflow,
    environment: form.environment ?? null,
    workflowRepositoryOwner: workflowOwner,
    workflowRepositoryName: workflowName,
  }
  const existing = store.state.publishers.find((row) => isDeepStrictEqual(row, { id: row.id, ...values }))
  if (existing) return existing
  const added: PublisherRow = { id: store.nextId(), ...values }
  store.state.publishers.push(added)
  return added
}

function versionRow(store: Store, gem: string, yaml: string, bytes: Buffer): VersionRow {
  const spec = readSpec(parseDocument(yaml, { schema: 'failsafe' }))
  const { name: _name, number, platform, gemPlatform, certificates: _certificates, ...rest } = spec
  return {
    id: store.nextId(),
    gem,
    number,
    platform,
    gemPlatform,
    ...fullNames(spec),
    canonicalNumber: canonicalNumber(number),
    prerelease: isPrerelease(number),
    size: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    keyId: null,
    pushedBy: 'sandbox',
    indexed: false,
    createdAt: store.now(),
    indexedAt: null,
    yankedAt: null,
    spec: rest,
    attestations: [],
  }
}

/** Puts a small but real gem into the store, as if its owner had pushed it with a key long gone. */
export function seedVersion(store: Store, seed: SeedGem, user: string): VersionRow {
  const gem = store.gem(seed.name) ?? store.createGem(seed.name, [user])
  const bytes = seedGem(seed)
  const version = versionRow(store, gem.name, gemspecYaml(seed), bytes)
  writeFileSync(store.gemPath(version.fullName), bytes)
  store.state.versions.push(version)
  store.index(version)
  return version
}

export function ownedGem(store: Store, name: string, user: string): GemRow {
  const gem = store.gem(name) ?? store.createGem(name, [user])
  if (!gem.owners.includes(user)) gem.owners.push(user)
  return gem
}

/** `NAME-NUMBER` or `NAME-NUMBER-PLATFORM`, the shortest name that leaves a number and a platform. */
function parseFullName(fullName: string): SeedGem {
  const match = /^(.+?)-(\d+(?:\.[0-9A-Za-z]+)*)(?:-([A-Za-z].*))?$/.exec(fullName)
  const [, name, number, platform] = match ?? []
  if (name === undefined || number === undefined) throw new Error(`${fullName} is no full name of a gem`)
  return { name, number, ...(platform !== undefined && { platform }) }
}

/** A version whose push was cut short: the row is there, the gem is not live and its bytes are nowhere. */
export function unfinishedVersion(store: Store, fullName: string): VersionRow {
  const seed = parseFullName(fullName)
  ownedGem(store, seed.name, MAINTAINER)
  const version = versionRow(store, seed.name, gemspecYaml(seed), seedGem(seed))
  store.state.versions.push(version)
  return version
}

export function yankVersion(store: Store, fullName: string): void {
  const version = store.version(fullName)
  if (!version?.indexed) throw new Error(`${fullName} is not live`)
  store.unindex(version)
  rmSync(store.gemPath(fullName), { force: true })
}

export function addUserKey(store: Store, form: UserKeyForm): string {
  const handle = form.user ?? MAINTAINER
  for (const name of form.gems ?? []) ownedGem(store, name, handle)
  const key = newKey()
  store.addKey({
    hashedKey: hashKey(key),
    name: `${handle}'s key`,
    scopes: form.scopes ?? ['push_rubygem'],
    owner: { type: 'user', handle },
    gem: form.gem ?? null,
    expiresAt: null,
  })
  return key
}

const CROCKFORD = '123456789abcdefghjkmnopqrstvwxyz'

/** The token in the path of assume_role (rubygems.org app/models/oidc/api_key_role.rb). */
export function addRole(store: Store, form: RoleForm): string {
  const suffix = [...randomBytes(20)].map((byte) => CROCKFORD[byte % CROCKFORD.length]).join('')
  const token = `rg_oidc_akr_${suffix}`
  const user = form.user ?? MAINTAINER
  if (form.gem !== undefined) ownedGem(store, form.gem, user)
  store.state.roles.push({
    token,
    name: form.name ?? 'Release',
    user,
    scopes: form.scopes ?? ['push_rubygem'],
    gem: form.gem ?? null,
    validForSeconds: form.validForSeconds ?? 30 * 60,
    statements: form.statements ?? [{ effect: 'allow', conditions: form.conditions ?? [] }],
  })
  return token
}
