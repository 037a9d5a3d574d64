/** Version of this action; equal to `package.json` (a test compares them). */
export const VERSION = '1.0.0'

/** How the action introduces itself to every server (registries refuse anonymous clients under load). */
export const USER_AGENT = `release-gem/${VERSION} (GitHub Action; node/${process.versions.node})`
