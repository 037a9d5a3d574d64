import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { printed, printing, shown, World } from './runner-fixture.ts'

const ENVIRONMENT = printing('process.env')

/** Code that appends to the file of a file command. */
function write(file: string, text: string): string {
  return `;(await import('node:fs')).appendFileSync(process.env.GITHUB_${file}, ${JSON.stringify(text)})\n`
}

describe('inputs', () => {
  test('are given by name, by default or empty, with dashes kept and spaces made underscores', async () => {
    await using world = await World.create()
    const action = await world.action({
      main: ENVIRONMENT,
      inputs: `
  gem-server: { default: 'https://rubygems.org' }
  await-timeout: { default: 300 }
  dry-run: { default: false }
  token: { default: "\${{ github.token }}" }
  place: { default: "\${{ github.nothing || github.repository }} in \${{ github.workspace }}" }
  two words: { default: x }
  empty:`,
    })
    const step = await world.runner.uses(action, { with: { 'GEM-SERVER': 'https://gems.example', extra: 'y' } })
    expect(printed(step)).toMatchObject({
      'INPUT_GEM-SERVER': 'https://gems.example',
      'INPUT_AWAIT-TIMEOUT': '300',
      'INPUT_DRY-RUN': 'false',
      INPUT_TOKEN: world.job.token,
      INPUT_PLACE: `octo/gemstone in ${world.runner.workspace}`,
      INPUT_TWO_WORDS: 'x',
      INPUT_EMPTY: '',
      INPUT_EXTRA: 'y',
    })
    expect(step.annotations).toMatchObject([{ level: 'warning', message: /^Unexpected input\(s\) 'extra'/ }])
    expect(step.lines[1]?.text).toBe('Run ./../../../action-1')
  })

  test('an unsupported expression or runtime is an error, not a guess', async () => {
    await using world = await World.create()
    const odd = await world.action({ main: '', inputs: '  x: { default: "${{ hashFiles(1) }}" }' })
    await expect(world.runner.uses(odd)).rejects.toThrow('Unexpected symbol')
    const old = await world.action({ main: '' })
    const manifest = join(old, 'action.yml')
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('node24', 'node20'))
    await expect(world.runner.uses(old)).rejects.toThrow("'using: node20' is not supported")
  })
})

describe('environment', () => {
  test('describes the run as GitHub does, and holds nothing of the host', async () => {
    process.env['SANDBOX_RUNNER_CANARY'] = 'from the host'
    await using world = await World.create({ env: { RELEASE: 'yes' } })
    const environment = printed(await world.main(ENVIRONMENT))
    delete process.env['SANDBOX_RUNNER_CANARY']
    expect(environment).toMatchObject({
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_ACTION_REPOSITORY: '',
      GITHUB_ACTOR: 'octocat',
      GITHUB_API_URL: 'https://api.github.example',
      GITHUB_BASE_REF: '',
      GITHUB_EVENT_NAME: 'push',
      GITHUB_GRAPHQL_URL: 'https://api.github.example/graphql',
      GITHUB_JOB: 'release',
      GITHUB_REF: 'refs/tags/v1.2.3',
      GITHUB_REF_NAME: 'v1.2.3',
      GITHUB_REF_TYPE: 'tag',
      GITHUB_REPOSITORY: 'octo/gemstone',
      GITHUB_REPOSITORY_OWNER: 'octo',
      GITHUB_RETENTION_DAYS: '90',
      GITHUB_RUN_ATTEMPT: '1',
      GITHUB_SERVER_URL: 'https://github.example',
      GITHUB_SHA: 'a'.repeat(40),
      GITHUB_WORKFLOW_REF: 'octo/gemstone/.github/workflows/release.yml@refs/tags/v1.2.3',
      GITHUB_WORKSPACE: world.runner.workspace,
      HOME: world.runner.home,
      RELEASE: 'yes',
      RUNNER_ENVIRONMENT: 'github-hosted',
      RUNNER_TEMP: world.runner.temp,
    })
    for (const absent of ['SANDBOX_RUNNER_CANARY', 'NODE_OPTIONS', 'VITEST', 'GITHUB_TOKEN', 'GITHUB_EVENT']) {
      expect(environment).not.toHaveProperty(absent)
    }
    for (const absent of ['RUNNER_DEBUG', 'GITHUB_ACTION_PATH', 'ACTIONS_ID_TOKEN_REQUEST_URL']) {
      expect(environment).not.toHaveProperty(absent)
    }
  })

  test('holds the payload as a file, and Node 24 runs in the workspace without input', async () => {
    await using world = await World.create()
    const step = await world.main(`
      import { readFileSync } from 'node:fs'
      const event = JSON.parse(readFileSync(process.env.GITHUB_EVENT_PATH, 'utf8'))
      ${printing("[event, process.versions.node.split('.')[0], process.cwd(), readFileSync(0, 'utf8')]")}`)
    expect(printed(step)).toEqual([{ pusher: { name: 'mona' } }, '24', world.runner.workspace, ''])
  })

  test('has the ID token request only when granted, and then the runtime token is the same secret', async () => {
    const idToken = { requestUrl: 'http://127.0.0.1:9/token?a=b', requestToken: 'request-token-0123456789' }
    await using granted = await World.create({ idToken })
    const step = await granted.main(ENVIRONMENT)
    expect(printed(step)).toMatchObject({
      ACTIONS_ID_TOKEN_REQUEST_URL: idToken.requestUrl,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: idToken.requestToken,
      ACTIONS_RUNTIME_TOKEN: idToken.requestToken,
    })
    expect(shown(step).join()).not.toContain(idToken.requestToken)

    const script = await granted.runner.run('env')
    expect(script.rawStdout).toContain(`ACTIONS_ID_TOKEN_REQUEST_TOKEN=${idToken.requestToken}\n`)
    expect(script.rawStdout).not.toContain('ACTIONS_RUNTIME_TOKEN')

    await using refused = await World.create()
    const environment = printed(await refused.main(ENVIRONMENT))
    expect(environment).toHaveProperty('ACTIONS_RUNTIME_TOKEN')
    expect(environment).not.toHaveProperty('ACTIONS_ID_TOKEN_REQUEST_TOKEN')
  })

  test('of a step wins over that of the job, but not over what describes the run', async () => {
    await using world = await World.create({ env: { RELEASE: 'job', OTHER: 'job' } })
    const env = { RELEASE: 'step of ${{ github.ref_name }}', GITHUB_SHA: 'forged', CI: 'false' }
    const step = await world.runner.uses(await world.action({ main: ENVIRONMENT }), { env })
    expect(printed(step)).toMatchObject({
      RELEASE: 'step of v1.2.3',
      OTHER: 'job',
      GITHUB_SHA: 'a'.repeat(40),
      CI: 'false',
    })
  })

  test('PATH can hide programs', async () => {
    await using world = await World.create({ path: '/nowhere' })
    const step = await world.runner.run('command -v env || echo none')
    expect(shown(step)).toEqual(['none'])
  })

  test('RUNNER_DEBUG comes with debug logging, and a remote action knows its address', async () => {
    await using world = await World.create({ debug: true, runnerEnvironment: 'self-hosted' })
    const step = await world.runner.uses(await world.action({ main: ENVIRONMENT }), {
      reference: 'octo/release-gem/credentials@v1',
    })
    expect(printed(step)).toMatchObject({
      RUNNER_DEBUG: '1',
      RUNNER_ENVIRONMENT: 'self-hosted',
      GITHUB_ACTION_REPOSITORY: 'octo/release-gem',
      GITHUB_ACTION_REF: 'v1',
    })
  })
})

describe('what a step leaves behind', () => {
  test('state reaches its own post step only, with the same inputs', async () => {
    await using world = await World.create()
    const main = write('STATE', 'key=one\n') + `console.log('::save-state name=old::two')`
    const inputs = '  name: { default: fallback }'
    const first = await world.action({ main, post: ENVIRONMENT, inputs })
    const second = await world.action({ main: '', post: ENVIRONMENT, inputs })
    expect((await world.runner.uses(first, { with: { name: 'given' } })).state).toEqual({ key: 'one', old: 'two' })
    await world.runner.uses(second)
    const { post, steps, conclusion } = await world.runner.finish()
    const environments = post.map((step) => printed(step))
    expect(post.map((step) => step.name)).toEqual(['Post ./../../../action-2', 'Post ./../../../action-1'])
    expect(environments[0]).toMatchObject({ INPUT_NAME: 'fallback' })
    expect(environments[0]).not.toHaveProperty('STATE_key')
    expect(environments[1]).toMatchObject({ INPUT_NAME: 'given', STATE_key: 'one', STATE_old: 'two' })
    expect(steps).toHaveLength(4)
    expect(conclusion).toBe('success')
  })

  test('env, path and outputs reach later steps; the last path comes first; NODE_OPTIONS does not pass', async () => {
    await using world = await World.create({ env: { A: 'job' } })
    const step = await world.runner.uses(
      await world.action({
        main:
          write('ENV', 'A=changed\nNODE_OPTIONS=--no-such-option\nB<<END\nx\ny\nEND\n') +
          write('PATH', '/one\n/two\n/one\n') +
          write('OUTPUT', 'version=1.2.3\n'),
      }),
      { id: 'release', env: { A: 'step' } },
    )
    expect(step.conclusion).toBe('success')
    expect(step.envChanges).toEqual({ A: 'changed', B: 'x\ny' })
    expect(step.pathChanges).toEqual(['/two', '/one'])
    expect(step.annotations.map(({ message }) => message)).toEqual([
      "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.",
    ])
    const next = await world.runner.uses(await world.action({ main: ENVIRONMENT, inputs: '  version:' }), {
      with: { version: 'v${{ steps.release.outputs.version }} of ${{ env.A }}' },
    })
    expect(printed(next)).toMatchObject({ A: 'changed', B: 'x\ny', INPUT_VERSION: 'v1.2.3 of changed' })
    expect(printed(next)).toMatchObject({ PATH: expect.stringMatching(`^/one${delimiter}/two${delimiter}/usr`) })
    const script = await world.runner.run('echo "${{ steps.release.outputs.version }} $A"; exit 3')
    expect(script.rawStdout).toBe('1.2.3 changed\n')
    expect(script).toMatchObject({ exitCode: 3, conclusion: 'failure' })
    expect(script.annotations).toEqual([{ level: 'error', message: 'Process completed with exit code 3.' }])
  })

  test('the job summary is kept, masked, up to one mebibyte', async () => {
    await using world = await World.create()
    const secret = 'open-sesame-42'
    const step = await world.main(
      `console.log('::add-mask::${secret}')\n` + write('STEP_SUMMARY', `# Done\n\n${secret}\n`),
    )
    expect(step.summary).toBe('# Done\n\n***\n')
    const limit = 1024 * 1024
    const most = await world.main(write('STEP_SUMMARY', 'x').replace('"x"', `'x'.repeat(${String(limit)})`))
    expect(most.summary).toHaveLength(limit + 1)
    const tooMuch = await world.main(write('STEP_SUMMARY', 'x').replace('"x"', `'x'.repeat(${String(limit + 1)})`))
    expect(tooMuch).toMatchObject({ summary: '', conclusion: 'success' })
    expect(tooMuch.annotations[0]?.message).toContain('supports content up to a size of 1024k, got 1024k')
  })

  test('a malformed file fails the step, but what came before it counts', async () => {
    await using world = await World.create()
    const step = await world.main(write('OUTPUT', 'good=1\nbad\nlater=2\n'))
    expect(step).toMatchObject({ exitCode: 0, conclusion: 'failure', outputs: { good: '1' } })
    expect(step.annotations.map(({ message }) => message)).toEqual([
      "Unable to process file command 'output' successfully.",
      "Invalid format 'bad'",
    ])
  })

  test('a failed main fails the job, and post-if decides on post steps', async () => {
    await using world = await World.create()
    const say = `console.log('post')`
    await world.runner.uses(await world.action({ main: '', post: say, postIf: 'success()' }))
    await world.runner.uses(await world.action({ main: 'process.exitCode = 7', post: say }))
    await world.runner.uses(await world.action({ main: '', post: say, postIf: '"failure() && env.GO == \'yes\'"' }))
    await world.runner.uses(await world.action({ main: write('ENV', 'GO=yes\n'), post: say, postIf: 'github.sha' }))
    const { post, conclusion } = await world.runner.finish()
    expect(post.map((step) => step.name)).toEqual(['Post ./../../../action-3', 'Post ./../../../action-2'])
    expect(conclusion).toBe('failure')
  })
})

test('a script writes to real pipes, and sees the job secrets masked', async () => {
  await using world = await World.create({ secrets: { API: 'line one\nline two' } })
  const step = await world.runner.run('echo "${{ secrets.API }}" > /dev/stderr; sleep 0.1; echo line three')
  expect(step.conclusion).toBe('success')
  expect(shown(step)).toEqual(['***', '***', 'line three'])
  expect(step.rawStderr).toBe('line one\nline two\n')
})

test('a script ends at the first command that fails', async () => {
  await using world = await World.create()
  const step = await world.runner.run('echo before\nfalse\necho after')
  expect(shown(step)).toEqual(['before'])
  expect(step).toMatchObject({ exitCode: 1, conclusion: 'failure' })
})

test('a new job starts with an empty temporary directory but keeps the rest', async () => {
  await using world = await World.create()
  await mkdir(join(world.runner.temp, 'old'))
  await writeFile(join(world.runner.home, 'kept'), '')
  const { Runner } = await import('../../sandbox/runner/runner.ts')
  await using next = await Runner.create(world.job)
  const step = await next.run('ls "$RUNNER_TEMP" "$HOME"')
  expect(step.rawStdout).not.toContain('old')
  expect(step.rawStdout).toContain('kept')
})
