import { execFileSync, spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { billOfMaterials, bundledPackages } from '../../script/bill-of-materials.ts'
import { readMaterials } from '../../script/materials.ts'
import { releaseContents } from '../../script/release-contents.ts'
import { objectAt, objectsAt, parseJson, stringAt } from '../../src/json.ts'
import { read, ROOT, trackedFiles } from './workflow-texts.ts'

const materials = readMaterials()
const text = billOfMaterials(materials)
const bom = parseJson(text)
const purls = objectsAt(bom, 'components').map((one) => stringAt(one, 'purl') ?? '')

/** CycloneDX's own schema, with those it refers to. */
function validator(): (value: unknown) => unknown[] {
  const library = path.dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json'))
  const schema = (name: string): object =>
    objectAt(parseJson(readFileSync(path.join(library, 'res/schema', `${name}.SNAPSHOT.schema.json`), 'utf8')))
  const ajv = new Ajv({ strict: false, validateSchema: false, allErrors: true })
  addFormats.default(ajv)
  // Formats of addresses with letters beyond ASCII, of which we have none.
  ajv.addFormat('iri-reference', /^[\x21-\x7e]*$/)
  ajv.addFormat('idn-email', /^[\x21-\x7e]+@[\x21-\x7e]+$/)
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) {
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`)
  }
  const validate = ajv.compile(schema('bom-1.6'))
  return (value) => (validate(value) ? [] : (validate.errors ?? []))
}

/** Packages whose files the bundles themselves name, in the comments that ncc leaves. */
function packagesNamedInDist(): Set<string> {
  const names = readdirSync(path.join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
  const bundles = names.filter((name) => name.endsWith('.js')).map((name) => read(path.join('dist', name)))
  const found = bundles.flatMap((bundle) => [...bundle.matchAll(/node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//g)])
  return new Set(found.map(([, name = '']) => name))
}

describe('the bill of materials', () => {
  it('is valid CycloneDX 1.6', () => {
    const problems = validator()
    expect(stringAt(bom, 'specVersion')).toBe('1.6')
    expect(problems(bom)).toEqual([])
    expect(problems({ ...objectAt(bom), components: [{ type: 'library' }] })).not.toEqual([])
  })

  it('lists every package of the bundles once, and nothing else', () => {
    const bundled = bundledPackages(materials.licences)
    expect(bundled.length).toBeGreaterThan(20)
    expect(purls).toEqual(
      bundled.map(({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`).toSorted(),
    )
    const names = new Set(bundled.map(({ name }) => name))
    const named = packagesNamedInDist()
    expect(named.size).toBeGreaterThan(15)
    expect([...named].filter((name) => !names.has(name))).toEqual([])
  })

  it('says version, licence and digest of each', () => {
    for (const one of objectsAt(bom, 'components')) {
      const name = [stringAt(one, 'group'), stringAt(one, 'name')].filter(Boolean).join('/')
      const manifest = parseJson(read(`node_modules/${name}/package.json`))
      expect(stringAt(one, 'version')).toBe(stringAt(manifest, 'version'))
      expect(objectsAt(one, 'licenses').map((held) => stringAt(held, 'license', 'id'))).toEqual([
        stringAt(manifest, 'license'),
      ])
      const digest = Buffer.from(stringAt(objectsAt(one, 'hashes')[0], 'content') ?? '', 'hex').toString('base64')
      expect(`sha512-${digest}`).toBe(stringAt(materials.lock, 'packages', `node_modules/${name}`, 'integrity'))
    }
  })

  it('says who brought what: everything is reached from the action', () => {
    const needs = new Map(
      objectsAt(bom, 'dependencies').map(({ ref, dependsOn }) => [
        ref,
        Array.isArray(dependsOn) ? dependsOn.filter((one) => typeof one === 'string') : [],
      ]),
    )
    const reached = new Set<string>()
    const visit = (ref: string): void => {
      if (reached.has(ref)) return
      reached.add(ref)
      for (const next of needs.get(ref) ?? []) visit(next)
    }
    visit('release-gem')
    expect([...reached].toSorted()).toEqual(['release-gem', ...purls].toSorted())
  })

  it('is the same every time, and another one when something changes', () => {
    expect(billOfMaterials(readMaterials())).toBe(text)
    const changed = billOfMaterials({ ...materials, manifest: { ...materials.manifest, version: '9.9.9' } })
    expect(stringAt(parseJson(changed), 'serialNumber')).not.toBe(stringAt(bom, 'serialNumber'))
    expect(stringAt(bom, 'serialNumber')).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
  })

  it('is not made of a package that the lock file does not hold', () => {
    const licences = materials.licences.replace(/^undici \S+\n-+$/m, 'undici 9.9.9\n------------')
    expect(() => billOfMaterials({ ...materials, licences })).toThrow('undici 9.9.9 is bundled')
  })
})

describe('the files of a release', () => {
  const version = stringAt(materials.manifest, 'version') ?? ''
  const changelog = `# Changelog\n\n## [${version}] - 2026-11-23\n\n- New.\n\n## [0.0.1]\n\n- Old.\n`

  it('are notes, digests of all that runs, and the bill of materials', () => {
    const { SHA256SUMS: sums, ...others } = releaseContents(`v${version}`, changelog, materials)
    expect(others).toEqual({ 'notes.md': '- New.\n', 'sbom.cdx.json': text })
    const checked = execFileSync('sha256sum', ['--check', '--strict', '-'], {
      cwd: ROOT,
      encoding: 'utf8',
      input: sums,
    })
    const names = checked.split('\n').map((line) => line.replace(/: OK$/, ''))
    const shipped = trackedFiles('dist/**', 'action.yml', '*/action.yml')
    expect(names.filter((name) => name !== '')).toEqual(shipped)
  })

  it('are refused for a tag that is not the version, and without a section in the changelog', () => {
    expect(() => releaseContents('v0.0.1', '# Changelog\n', materials)).toThrow(
      `the tag is v0.0.1, but package.json says ${version}\nCHANGELOG.md has no section for ${version}`,
    )
  })

  it('are not written when they are refused', () => {
    const directory = path.join(tmpdir(), `release-gem-files-${String(process.pid)}`)
    const script = path.join(ROOT, 'script/release-files.ts')
    const { status, stderr } = spawnSync(process.execPath, [script, 'v0.0.1', directory], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toContain('the tag is v0.0.1')
    expect(existsSync(directory)).toBe(false)
  })
})
