import { expect, test } from 'vitest'
import { shown, World } from './runner-fixture.ts'

// The other side of the protocol: what GitHub's own toolkit writes must be understood.
test('everything @actions/core says comes through', async () => {
  await using world = await World.create()
  const hostile = '100%\r\n::error::not a command\nghadelimiter_x\n<<EOF'
  const action = await world.action({
    inputs: '  gem-server: { default: https://rubygems.org }\n  dry-run: { default: false }\n  list:',
    main: `
      const core = await import(${JSON.stringify(import.meta.resolve('@actions/core'))})
      core.info(JSON.stringify([core.getInput('gem-server'), core.getBooleanInput('dry-run'), core.isDebug()]))
      core.info(JSON.stringify(core.getMultilineInput('list')))
      core.setSecret('hush,%hush')
      core.info('say hush,%hush')
      core.setOutput('text', ${JSON.stringify(hostile)})
      core.setOutput('object', { a: [1] })
      core.saveState('key', 'hush,%hush')
      core.exportVariable('NAME', ${JSON.stringify(hostile)})
      core.addPath('/added')
      core.startGroup('Title: 1')
      core.endGroup()
      core.error(${JSON.stringify(hostile)}, { title: 'a:b,c', file: 'lib/a.rb', startLine: 3, endLine: 4 })
      core.debug('quiet')
      await core.summary.addHeading('Done').addCodeBlock('hush,%hush').write()
      core.setFailed('over')`,
    post: `
      const core = await import(${JSON.stringify(import.meta.resolve('@actions/core'))})
      core.info(String(core.getState('key') === 'hush,%hush'))
      core.info(String(process.env.NAME === ${JSON.stringify(hostile)}))
      core.info(String(process.env.PATH.startsWith('/added:')))`,
  })
  const step = await world.runner.uses(action, { with: { list: ' one \n\ntwo' } })
  expect(shown(step).slice(0, 3)).toEqual(['["https://rubygems.org",false,false]', '["one","two"]', 'say ***'])
  expect(step).toMatchObject({ exitCode: 1, conclusion: 'failure', pathChanges: ['/added'] })
  expect(step.outputs).toEqual({ text: hostile, object: '{"a":[1]}' })
  expect(step.masks.map(({ value }) => value)).toEqual(['hush,%hush'])
  expect(step.annotations).toEqual([
    { level: 'error', title: 'a:b,c', file: 'lib/a.rb', line: 3, endLine: 4, message: hostile },
    { level: 'error', message: 'over' },
  ])
  expect(step.commands.map(({ name }) => name)).toEqual(['add-mask', 'group', 'endgroup', 'error', 'debug', 'error'])
  expect(step.summary).toBe('<h1>Done</h1>\n<pre><code>***</code></pre>\n')
  const { post } = await world.runner.finish()
  expect(post.map((result) => shown(result))).toEqual([['true', 'true', 'true']])
})
