import { type Extension, EXTENSIONS } from './certificate.ts'
import { utf8 } from './der.ts'

/**
 * What Fulcio writes about a job of GitHub Actions into its certificate: the alternative name and the extensions below
 * 1.3.6.1.4.1.57264.1 (github.com/sigstore/fulcio, docs/oid-info.md). Those up to .6 hold bare text, the later ones a
 * DER string.
 */

type Claims = Readonly<Record<string, unknown>>

export const FULCIO_OID = '1.3.6.1.4.1.57264.1'

const BARE: Record<number, string> = {
  1: 'iss',
  2: 'event_name',
  3: 'sha',
  4: 'workflow',
  5: 'repository',
  6: 'ref',
}

const STRINGS: Record<number, string> = {
  8: '{iss}',
  9: '{server}/{job_workflow_ref}',
  10: '{job_workflow_sha}',
  11: '{runner_environment}',
  12: '{server}/{repository}',
  13: '{sha}',
  14: '{ref}',
  15: '{repository_id}',
  16: '{server}/{repository_owner}',
  17: '{repository_owner_id}',
  18: '{server}/{workflow_ref}',
  19: '{workflow_sha}',
  20: '{event_name}',
  21: '{server}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}',
  22: '{repository_visibility}',
}

const SERVER = 'https://github.com'

function text(claims: Claims, name: string): string {
  const value = name === 'server' ? SERVER : claims[name]
  return typeof value === 'string' ? value : ''
}

export function alternativeName(claims: Claims): string {
  return `${SERVER}/${text(claims, 'job_workflow_ref')}`
}

export function identityExtensions(claims: Claims): Extension[] {
  const bare = Object.entries(BARE).map(([number, claim]) => ({
    oid: `${FULCIO_OID}.${number}`,
    value: Buffer.from(text(claims, claim)),
  }))
  const strings = Object.entries(STRINGS).map(([number, template]) => ({
    oid: `${FULCIO_OID}.${number}`,
    value: utf8(template.replaceAll(/\{(\w+)\}/g, (_, name: string) => text(claims, name))),
  }))
  return [EXTENSIONS.alternativeUri(alternativeName(claims)), ...bare, ...strings]
}
