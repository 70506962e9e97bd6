import { describe, expect, it } from 'vitest'
import { renderTemplate } from '../../src/render/template.ts'

describe('renderTemplate', () => {
  it('fills every placeholder, also one that stands twice', () => {
    expect(renderTemplate('{{a}}-{{b}}-{{a}}', { a: '1', b: '2' }, 't')).toBe('1-2-1')
  })

  it('puts values in as they are', () => {
    expect(renderTemplate('{{a}}', { a: '{{b}} $& $1' }, 't')).toBe('{{b}} $& $1')
  })

  it.each([
    ['a placeholder without a value', '{{a}} {{b}}', { a: '1' }, 't has a placeholder nobody fills: b'],
    ['a value without a placeholder', '{{a}}', { a: '1', b: '2' }, 't has no placeholder for b'],
  ])('refuses %s', (_, template, values, message) => {
    expect(() => renderTemplate(template, values, 't')).toThrow(message)
  })
})
