import { isAbsolute, relative } from 'node:path'
import type { ActionCommand } from './command.ts'
import type { Annotation, AnnotationLevel } from './step.ts'

/** Turns `::error title=…,file=…::message` into an annotation (`IssueCommandExtension` in `ActionCommandManager.cs`). */
export function annotationOf(level: AnnotationLevel, command: ActionCommand, workspace: string): Annotation {
  const { properties } = command
  const title = properties.get('title')
  const file = properties.get('file')
  return {
    level,
    message: command.data,
    ...(title === undefined ? {} : { title }),
    ...(file === undefined ? {} : { file: inRepository(file, workspace) }),
    ...positionOf(properties),
  }
}

function inRepository(file: string, workspace: string): string {
  if (!isAbsolute(file)) return file
  const path = relative(workspace, file)
  return path.startsWith('..') ? file : path
}

type Position = Pick<Annotation, 'line' | 'endLine' | 'column' | 'endColumn'>

/** Impossible positions lose their end, or their columns; a lone end becomes the start (`ValidateLinesAndColumns`). */
function positionOf(properties: Map<string, string>): Position {
  const end = { line: number(properties, 'endline'), column: number(properties, 'endcolumn') }
  const line = number(properties, 'line') ?? end.line
  let column = number(properties, 'col') ?? end.column
  if (line === undefined || (end.line !== undefined && end.line !== line)) {
    column = undefined
    end.column = undefined
  }
  if (line !== undefined && end.line !== undefined && end.line < line) end.line = undefined
  if (column !== undefined && end.column !== undefined && end.column < column) end.column = undefined
  return {
    ...(line === undefined ? {} : { line }),
    ...(end.line === undefined ? {} : { endLine: end.line }),
    ...(column === undefined ? {} : { column }),
    ...(end.column === undefined ? {} : { endColumn: end.column }),
  }
}

function number(properties: Map<string, string>, name: string): number | undefined {
  const text = properties.get(name)
  return text !== undefined && /^\s*-?\d+\s*$/.test(text) ? Number(text) : undefined
}
