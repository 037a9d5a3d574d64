/**
 * The environment of programs that run the project's code. Built from a list of what they may have: a credential
 * whose name nobody thought of is then not in it. `/proc` of the parent remains readable on Linux: only a separate
 * build job keeps the means to ask for an ID token from code that looks for them.
 */

const ALLOWED = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TERM',
  'TMPDIR',
  'TMP',
  'TEMP',
  'CI',
  'SOURCE_DATE_EPOCH',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'GEM_HOME',
  'GEM_PATH',
  'GEM_SPEC_CACHE',
  'RUBYOPT',
  'RUBYLIB',
  'RUBY_ROOT',
  'RUBY_ENGINE',
  'RUBY_VERSION',
  'JAVA_HOME',
  'JAVA_OPTS',
  'JRUBY_HOME',
  'JRUBY_OPTS',
  'TRUFFLERUBYOPT',
  'ANDROID_HOME',
  'CC',
  'CXX',
  'CPP',
  'LD',
  'AR',
  'MAKE',
  'MAKEFLAGS',
  'CFLAGS',
  'CXXFLAGS',
  'CPPFLAGS',
  'LDFLAGS',
  'PKG_CONFIG_PATH',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'LIBRARY_PATH',
  'CPATH',
  'CARGO_HOME',
  'RUSTUP_HOME',
  'RUSTUP_TOOLCHAIN',
  'RUSTFLAGS',
  'GOPATH',
  'GOROOT',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'GITHUB_ACTIONS',
  'GITHUB_REPOSITORY',
  'GITHUB_REPOSITORY_OWNER',
  'GITHUB_REF',
  'GITHUB_REF_NAME',
  'GITHUB_REF_TYPE',
  'GITHUB_SHA',
  'GITHUB_WORKSPACE',
  'GITHUB_RUN_ID',
  'GITHUB_RUN_NUMBER',
  'GITHUB_RUN_ATTEMPT',
  'GITHUB_SERVER_URL',
  'GITHUB_API_URL',
  'GITHUB_EVENT_NAME',
  'GITHUB_ACTOR',
  'GITHUB_WORKFLOW',
  'GITHUB_JOB',
  'RUNNER_OS',
  'RUNNER_ARCH',
  'RUNNER_TOOL_CACHE',
  // By it the runner finds what a job has left running, and ends it.
  'RUNNER_TRACKING_ID',
  'RUNNER_ENVIRONMENT',
  'ImageOS',
  'ImageVersion',
  'SystemRoot',
  'SystemDrive',
  'ComSpec',
  'PATHEXT',
  'WINDIR',
  'windir',
  'USERPROFILE',
  'APPDATA',
  'LOCALAPPDATA',
  'ProgramFiles',
  'ProgramFiles(x86)',
  'ProgramData',
  'NUMBER_OF_PROCESSORS',
  'PROCESSOR_ARCHITECTURE',
  'MSYSTEM',
])

const ALLOWED_IN_CAPITALS = new Set([...ALLOWED].map((name) => name.toUpperCase()))

const ALLOWED_PREFIX = /^(LC_|RBENV_|RVM_|ASDF_|MISE_|BUNDLE_BUILD__|BUNDLE_LOCAL__)/

/** Bundler's settings that hold no credential; `BUNDLE_GEM__PUSH_KEY` and `BUNDLE_<HOST>` do. */
const BUNDLER =
  /^BUNDLE_(GEMFILE|PATH|PATH__SYSTEM|WITH|WITHOUT|ONLY|APP_CONFIG|BIN|BIN_PATH|DEPLOYMENT|FROZEN|CACHE_PATH|CACHE_ALL|JOBS|RETRY|TIMEOUT|VERSION|CLEAN|NO_PRUNE|FORCE_RUBY_PLATFORM|SPECIFIC_PLATFORM|PREFER_LOCAL|SILENCE_ROOT_WARNING|IGNORE_MESSAGES|SUPPRESS_INSTALL_USING_MESSAGES|SYSTEM_BINDIR|DISABLE_[A-Z_]+|USER_HOME|USER_CONFIG|USER_CACHE|USER_PLUGIN|LOCKFILE)$/

/**
 * What never reaches a program of the project, not even its release task: the means to act as this job that the runner
 * gives this step. `GITHUB_TOKEN` is not among them: it is only there where the workflow's author put it.
 */
const NEVER =
  /^(ACTIONS_|INPUT_|STATE_|GITHUB_(ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$|BUNDLE_GEM__PUSH_KEY$|RUBYGEMS_API_KEY$)/

type Environment = Readonly<Record<string, string | undefined>>

/** For the probe and the build: the allowed names only. */
export function buildEnvironment(
  env: Environment,
  extra: Record<string, string>,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  // Windows spells names as it likes: there it is `Path` and `SYSTEMROOT`.
  const known = platform === 'win32' ? ALLOWED_IN_CAPITALS : ALLOWED
  return pick(env, extra, platform, (name) => known.has(name) || ALLOWED_PREFIX.test(name) || BUNDLER.test(name))
}

/**
 * For the project's own release task, which may need variables of the workflow (as under the incumbent action):
 * everything but the runner's tokens, inputs and command files, and variables that hold a registry key of ours.
 */
export function releaseTaskEnvironment(
  env: Environment,
  extra: Record<string, string>,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  return pick(env, extra, platform, (name) => !NEVER.test(name))
}

function pick(
  env: Environment,
  extra: Record<string, string>,
  platform: NodeJS.Platform,
  wanted: (name: string) => boolean,
): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const [spelled, value] of Object.entries(env)) {
    const name = platform === 'win32' ? spelled.toUpperCase() : spelled
    if (value !== undefined && wanted(name)) picked[name] = value
  }
  return { ...picked, ...extra }
}
