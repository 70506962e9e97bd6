import { describe, expect, it } from 'vitest'
import type { Field, Shape } from '../../src/config/field.ts'
import { SCHEMA } from '../../src/config/schema.ts'

function optionsOf(shape: Shape, table = ''): [path: string, option: Extract<Field, { kind: 'option' }>][] {
  return Object.entries(shape).flatMap(([key, field]) => {
    const path = `${table}.${key}`.replace(/^\./, '')
    return field.kind === 'option' ? [[path, field]] : optionsOf(field.fields, path)
  })
}

describe('every option', () => {
  it.each(optionsOf(SCHEMA))(
    '%s says what it does, and its default is a value of it',
    (_, { absent, check, description }) => {
      expect(description).toMatch(/^\S.{9,}[^.]$/)
      expect(description).not.toContain('|')
      if (absent === 'required' || absent.value === undefined) return
      const isUnset = Array.isArray(absent.value) && absent.value.length === 0
      expect(isUnset ? { value: absent.value } : check(absent.value)).toEqual({ value: absent.value })
    },
  )
})
