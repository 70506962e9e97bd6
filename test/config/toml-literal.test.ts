import { expect, it } from 'vitest'
import { parseToml } from '../../src/config/toml-document.ts'
import { tomlLiteral } from '../../src/config/toml-literal.ts'

it.each([
  ['a string', 'ä "quoted" \\ \u0000\t\n\u007f\u{1F511}', '"ä \\"quoted\\" \\\\ \\u0000\\t\\n\\u007f\u{1F511}"'],
  ['an integer', 5222, '5222'],
  ['a boolean', false, 'false'],
  ['an empty list', [], '[]'],
  ['a list', ['a', 'b'], '["a", "b"]'],
])('%s is written as TOML that reads back', (_, value, literal) => {
  expect(tomlLiteral(value)).toBe(literal)
  expect(parseToml(`x = ${literal}`, { source: 'f', hint: '' }).values['x']).toEqual(value)
})
