import { type Document, isMap, isNode, isSeq, type Node, type YAMLMap } from 'yaml'
import { resolvePlatform } from './gem-platform.ts'
import { textOf } from './yaml-schema.ts'
import type { DependencyRow, SpecRow } from './world.ts'

/** What a push reads out of a gemspec that passed the schema. */
export interface GemSpec extends SpecRow {
  name: string
  number: string
  /** `original_platform` where the gemspec has one, `platform` otherwise. */
  platform: string
  gemPlatform: string
  certificates: number
}

function at(map: Node | null, name: string): Node | null {
  if (!isMap(map)) return null
  const pair = map.items.find((item) => textOf(nodeOf(item.key)) === name)
  return nodeOf(pair?.value)
}

function nodeOf(value: unknown): Node | null {
  return isNode(value) ? value : null
}

function items(node: Node | null): (Node | null)[] {
  return isSeq(node) ? node.items.map(nodeOf) : []
}

function textOrNull(node: Node | null): string | null {
  const text = textOf(node)
  return text === '' ? null : text
}

function texts(node: Node | null): string[] {
  return items(node).map(textOf)
}

/** `Gem::Requirement#to_s`; no requirement at all means any version. */
function requirement(node: Node | null): string {
  const list = items(at(node, 'requirements')).map((pair) => {
    const [operator = null, version = null] = items(pair)
    return `${textOf(operator)} ${textOf(at(version, 'version'))}`
  })
  return list.length === 0 ? '>= 0' : list.join(', ')
}

function dependency(node: Node | null): DependencyRow {
  return {
    name: textOf(at(node, 'name')),
    requirements: requirement(at(node, 'requirement') ?? at(node, 'version_requirements')),
    scope: textOf(at(node, 'type')) === ':development' ? 'development' : 'runtime',
  }
}

function stringMap(node: Node | null): Record<string, string> {
  if (!isMap(node)) return {}
  return Object.fromEntries(node.items.map((item) => [textOf(nodeOf(item.key)), textOf(nodeOf(item.value))]))
}

function date(text: string): string | null {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(text)?.[0]
  return day === undefined ? null : `${day}T00:00:00.000Z`
}

export function readSpec(document: Document): GemSpec {
  const root: YAMLMap | null = isMap(document.contents) ? document.contents : null
  const given = textOrNull(at(root, 'platform'))
  return {
    name: textOf(at(root, 'name')),
    number: textOf(at(at(root, 'version'), 'version')),
    platform: textOrNull(at(root, 'original_platform')) ?? given ?? 'ruby',
    gemPlatform: resolvePlatform(given),
    certificates: items(at(root, 'cert_chain')).length,
    authors: texts(at(root, 'authors')).join(', '),
    summary: textOf(at(root, 'summary')),
    description: textOrNull(at(root, 'description')),
    homepage: textOrNull(at(root, 'homepage')),
    licenses: texts(at(root, 'licenses')).filter((license) => license !== ''),
    metadata: stringMap(at(root, 'metadata')),
    requirements: texts(at(root, 'requirements')),
    builtAt: date(textOf(at(root, 'date'))),
    rubyVersion: requirement(at(root, 'required_ruby_version')),
    rubygemsVersion: requirement(at(root, 'required_rubygems_version')),
    dependencies: items(at(root, 'dependencies')).map(dependency),
  }
}
