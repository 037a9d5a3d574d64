import { CERTIFICATES, limits, LOST, NETWORK, type Row, rows, TROUBLED } from './row.ts'
import type { Target } from './targets.ts'

/** What each conversation of a release has to do about each fault. */

/** Asking for a token is no act: whatever happens on the way, it is asked for again. */
const ID_TOKEN: readonly Row[] = [
  ...rows('R', 'id-token-failed', [...NETWORK, ...LOST, ...TROUBLED]),
  ...limits('id-token-failed', undefined),
  ...rows('R', 'id-token-failed', ['id-token-pending', '200-html', '200-html-after', 'json-truncated', 'json-types']),
  ...rows('R', 'id-token-failed', ['empty-success', 'success-cut', 'success-other-types']),
  ...rows('F', 'id-token-failed', [...CERTIFICATES, 'oversize', 'gzip-bomb', 'redirect-elsewhere', 'redirect-after']),
  ...rows('F', 'id-token-failed', ['400', '401', '403', '404', '404-html', '403-html', '409', '410', '413', '422']),
  ...rows('F', 'id-token-failed', ['429-absurd', 'echo-400']),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache']),
]

/** A lost answer costs no more than a key nobody uses. A success must be ours beyond doubt. */
const EXCHANGE: readonly Row[] = [
  ...rows('R', 'exchange-failed', [...NETWORK, ...LOST, ...TROUBLED]),
  ...limits('exchange-failed', undefined),
  ...rows('R', 'exchange-failed', ['200-html', '200-html-after', 'json-truncated', 'json-types']),
  ...rows('R', 'exchange-failed', ['empty-success', 'success-cut']),
  ...rows('F', 'exchange-failed', [...CERTIFICATES, 'oversize', 'gzip-bomb', 'redirect-elsewhere', 'redirect-after']),
  ...rows('F', 'exchange-failed', [
    '400',
    '401',
    '403',
    '403-html',
    '409',
    '410',
    '413',
    '422',
    '429-absurd',
    'echo-400',
  ]),
  ...rows('F', 'exchange-refused', ['404', '404-html']),
  ...rows('F', 'exchange-untrusted', ['success-other-types', 'from-cache', 'key-of-another', 'key-without-scope']),
  ...rows('F', 'exchange-untrusted', ['key-malformed', 'key-expired']),
  ...rows('A', 'green', ['duplicate-delivery']),
]

const PREFLIGHT: readonly Row[] = [
  ...rows('R', 'registry-unavailable', [...NETWORK, ...LOST, ...TROUBLED]),
  ...limits('registry-unavailable', undefined),
  ...rows('R', 'registry-unavailable', ['200-html', '200-html-after', 'json-truncated', 'json-types']),
  ...rows('R', 'registry-unavailable', ['empty-success', 'success-cut', 'success-other-types', '403-html']),
  ...rows('R', 'registry-unavailable', ['oversize', 'gzip-bomb', 'list-with-number']),
  ...rows('F', 'registry-unavailable', [...CERTIFICATES, 'redirect-elsewhere', 'redirect-after']),
  ...rows('F', 'registry-unavailable', ['400', '401', '403', '410', '422', '429-absurd', 'echo-400']),
  ...rows('A', 'green', ['404', '404-html', 'duplicate-delivery', 'from-cache']),
]

/** After every answer that leaves it open, the registry is asked before the same bytes are sent again. */
const PUSH: readonly Row[] = [
  ...rows('V', 'push-failed', [...NETWORK, ...TROUBLED, 'push-not-stored']),
  ...limits('push-failed', 20_000),
  ...rows('V', 'push-failed', ['200-html', 'json-truncated', 'json-types', 'oversize', 'gzip-bomb']),
  ...rows('V', 'push-failed', ['push-exists', 'push-unfinished', 'push-race'], { patience: 270_000 }),
  ...rows('D', 'green', [...LOST, '200-html-after', 'empty-success', 'success-cut']),
  ...rows('R', 'push-refused', ['401', 'keys-expire'], { attempts: 2 }),
  ...rows('F', 'push-failed', [...CERTIFICATES, 'redirect-elsewhere', '429-absurd']),
  ...rows('F', 'push-refused', ['400', '403', '403-html', '404', '404-html', '409', '413', '422', 'echo-400']),
  ...rows('F', 'push-refused', ['push-not-attached', 'push-reserved', 'push-no-pending', 'push-invalid']),
  ...rows('F', 'version-yanked', ['push-yanked']),
  ...rows('A', 'green', ['duplicate-delivery', 'redirect-after', 'from-cache']),
]

/** A version that is not shown yet is looked for ten times in a minute and a half. */
const VERIFY: readonly Row[] = [
  ...rows('R', 'registry-unavailable', [...NETWORK, ...LOST, ...TROUBLED]),
  ...limits('registry-unavailable', undefined),
  ...rows('R', 'registry-unavailable', ['200-html', '200-html-after', 'json-truncated', 'json-types']),
  ...rows('R', 'registry-unavailable', ['empty-success', 'success-cut', 'success-other-types', '403-html']),
  ...rows('R', 'registry-unavailable', ['oversize', 'gzip-bomb', 'other-platform']),
  ...rows('R', 'verification-failed', ['404', '404-html'], { attempts: 10, patience: 90_000 }),
  ...rows('F', 'verification-failed', ['other-digest']),
  ...rows('F', 'registry-unavailable', [...CERTIFICATES, 'redirect-elsewhere', 'redirect-after']),
  ...rows('F', 'registry-unavailable', ['400', '401', '403', '410', '422', '429-absurd', 'echo-400']),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache']),
]

/** A late index is no failed release: it is looked at for the minute the case allows, whatever it says. */
const LOOKS = { attempts: 8, patience: 70_000 }
const SLOW_LOOKS = { attempts: 5, patience: 70_000 }
const INDEX: readonly Row[] = [
  ...rows('R', 'green', ['refused', 'unresolvable', 'reset-before', 'reset-unprocessed'], LOOKS),
  ...rows('R', 'green', ['silent', 'stall', 'stall-unread', 'trickle', 'stall-after'], SLOW_LOOKS),
  ...rows('R', 'green', ['reset-after', 'close-after', 'reset-mid-answer', 'close-mid-answer'], LOOKS),
  ...rows('R', 'green', ['500-after', '503-after', ...TROUBLED, ...CERTIFICATES], LOOKS),
  ...rows('R', 'green', ['429-retry-after', '429-date', '429-bare', '429-absurd', '503-retry-after'], LOOKS),
  ...rows('R', 'green', ['200-html', 'json-types', 'empty-success', 'oversize', 'gzip-bomb'], LOOKS),
  ...rows('R', 'green', ['redirect-elsewhere', '400', '401', '403', '403-html', '404', '410', 'echo-400'], LOOKS),
  ...rows('F', 'verification-failed', ['other-digest']),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache']),
]

/** So it is with a file that is not given out; twice the same other bytes are another matter. */
const FILE: readonly Row[] = [
  ...rows('R', 'green', ['refused', 'reset-before', 'reset-mid-answer', 'close-mid-answer'], LOOKS),
  ...rows('R', 'green', ['stall', 'trickle'], SLOW_LOOKS),
  ...rows('R', 'green', ['403-html', '404', '429-bare', '503-html', '200-html', 'gzip-bomb'], LOOKS),
  ...rows('R', 'green', ['redirect-elsewhere', 'tls-expired', 'echo-400'], LOOKS),
  ...rows('R', 'verification-failed', ['empty-success', 'json-types', 'oversize'], { attempts: 2 }),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache']),
]

const GITHUB_READ: readonly Row[] = [
  ...rows('R', 'github-unavailable', [...NETWORK, ...LOST, ...TROUBLED]),
  ...limits('github-unavailable', 60_000),
  ...rows('W', 'github-unavailable', ['github-secondary'], { asked: 13_000 }),
  ...rows('W', 'github-unavailable', ['github-secondary-bare'], { asked: 60_000 }),
  ...rows('R', 'github-unavailable', ['200-html', '200-html-after', 'json-truncated']),
  ...rows('F', 'github-unavailable', [...CERTIFICATES, 'oversize', 'gzip-bomb', 'redirect-elsewhere']),
  ...rows('F', 'github-unavailable', ['400', '401', '403', '403-html', '410', '429-absurd', 'json-types', 'echo-400']),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache']),
]

const COMMIT: readonly Row[] = [
  ...GITHUB_READ,
  ...rows('R', 'github-unavailable', ['empty-success', 'success-cut']),
  ...rows('F', 'github-unavailable', ['success-other-types']),
  ...rows('F', 'commit-not-on-github', ['404', '409', '422']),
]

/** Asked for once, to refuse early: whoever gets no answer finds out when the tag is created. */
const RULESETS: readonly Row[] = [
  ...rows('A', 'green', ['refused', 'stall', 'reset-mid-answer', 'tls-expired', 'redirect-elsewhere', '429-bare']),
  ...rows('A', 'green', ['500', '503-html', '403-html', '404', '401', '200-html', 'json-truncated', 'json-types']),
  ...rows('A', 'green', ['empty-success', 'success-other-types', 'oversize', 'gzip-bomb', 'echo-400', 'from-cache']),
]

const TAG_READ: readonly Row[] = [
  ...GITHUB_READ,
  ...rows('A', 'green', ['empty-success', 'success-cut']),
  ...rows('F', 'github-unavailable', ['409', '422']),
  ...rows('A', 'green', ['404']),
]

/** The object that no ref names: nothing has happened yet, so that every refusal still stops the release. */
const TAG_OBJECT: readonly Row[] = [
  ...rows('R', 'github-unavailable', [...NETWORK, ...LOST, ...TROUBLED]),
  ...limits('github-unavailable', 60_000),
  ...rows('W', 'github-unavailable', ['github-secondary'], { asked: 13_000 }),
  ...rows('W', 'github-unavailable', ['github-secondary-bare'], { asked: 60_000 }),
  ...rows('R', 'github-unavailable', ['200-html', '200-html-after', 'json-truncated', 'empty-success', 'success-cut']),
  ...rows('F', 'github-unavailable', [
    ...CERTIFICATES,
    'oversize',
    'gzip-bomb',
    'redirect-elsewhere',
    'redirect-after',
  ]),
  ...rows('F', 'github-unavailable', ['429-absurd', 'json-types', 'success-other-types']),
  ...rows('F', 'tag-not-permitted', ['400', '401', '403', '403-html', '404', '409', '410', '422', 'echo-400']),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache']),
]

/** A tag that is there on our commit is a success, whoever made it and whatever was answered. */
const TAG_REF: readonly Row[] = [
  ...rows('R', 'github-unavailable', [...NETWORK, ...TROUBLED]),
  ...limits('github-unavailable', 60_000),
  ...rows('W', 'github-unavailable', ['github-secondary'], { asked: 13_000 }),
  ...rows('W', 'github-unavailable', ['github-secondary-bare'], { asked: 60_000 }),
  ...rows('R', 'github-unavailable', ['200-html', 'json-truncated']),
  ...rows('R', 'green', [...LOST, '200-html-after']),
  // Only the success is cut: the second answer says that the tag is there, and is whole.
  ...rows('R', 'green', ['empty-success', 'success-cut'], { attempts: 2 }),
  ...rows('F', 'github-unavailable', [...CERTIFICATES, 'oversize', 'gzip-bomb', 'redirect-elsewhere']),
  ...rows('F', 'github-unavailable', ['429-absurd', 'json-types']),
  ...rows('F', 'tag-not-permitted', ['400', '401', '403', '403-html', '404', '409', '410', '422', 'echo-400']),
  ...rows('F', 'tag-not-permitted', ['github-ruleset']),
  ...rows('A', 'green', ['duplicate-delivery', 'from-cache', 'redirect-after', 'success-other-types']),
]

export const TABLES: Readonly<Record<Target, readonly Row[]>> = {
  'id-token': ID_TOKEN,
  exchange: EXCHANGE,
  preflight: PREFLIGHT,
  push: PUSH,
  verify: VERIFY,
  index: INDEX,
  file: FILE,
  commit: COMMIT,
  rulesets: RULESETS,
  'tag-read': TAG_READ,
  'tag-object': TAG_OBJECT,
  'tag-ref': TAG_REF,
}
