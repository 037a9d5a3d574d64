/** What needs Sigstore's libraries, in one place that is loaded only when something is attested. */
export { Attester } from './attester.ts'
export { examine } from './examine.ts'
export { readBundles } from './ready-made.ts'
