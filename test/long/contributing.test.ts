import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const COPIED = ['bin', 'src', 'templates', 'test', 'package.json', 'tsconfig.json', '.biome.json', '.gitignore']

const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
const diffs = [...page.matchAll(/^```diff\n([\s\S]*?)^```$/gm)].map(([, diff = '']) => diff)

/** Of a diff. */
function filesOf(diff: string): string[] {
  return [...diff.matchAll(/^\+\+\+ b\/(.*)$/gm)].map(([, path = '']) => path)
}

let copy: string
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'xmppki-contributing-'))
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

function run(command: string, ...args: string[]): string {
  // The runner of this test has variables of its own.
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'FORCE_COLOR')
  const env = { ...Object.fromEntries(own), NO_COLOR: '1' }
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: copy, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${args.join(' ')}:\n${stdout}\n${stderr}`)
  return stdout
}

const vitest = (...args: string[]) =>
  run(process.execPath, 'node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', ...args)

describe('whoever follows CONTRIBUTING.md', () => {
  it('changes the files that it names, and they pass types, lint and tests', () => {
    for (const [index, diff] of diffs.entries()) {
      writeFileSync(join(copy, `${index}.diff`), diff)
      run('git', 'apply', `${index}.diff`)
    }
    const changed = diffs.flatMap(filesOf)
    run(process.execPath, 'node_modules/typescript/bin/tsc', '--noEmit')
    run(process.execPath, 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', ...changed)
    const tests = changed.filter((path) => path.endsWith('.test.ts'))
    expect(tests).toHaveLength(4)
    expect(vitest(...tests, 'test/architecture.test.ts')).toContain('Test Files  5 passed (5)')
  })

  it.each(diffs.map((diff) => [filesOf(diff)[0], diff] as const))('%s: has a test that fails without it', (_, diff) => {
    const sources = filesOf(diff).filter((path) => path.startsWith('src/'))
    run('git', 'apply', '--reverse', ...sources.map((path) => `--include=${path}`), `${diffs.indexOf(diff)}.diff`)
    const tests = filesOf(diff).filter((path) => path.endsWith('.test.ts'))
    expect(() => vitest(...tests)).toThrow()
  })
})
