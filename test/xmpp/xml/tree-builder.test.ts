import { describe, expect, it } from 'vitest'
import { serialize } from '../../../src/xmpp/xml/element.ts'
import { ParseFaultError } from '../../../src/xmpp/xml/parse-fault.ts'
import { TreeBuilder, type TreeLimits } from '../../../src/xmpp/xml/tree-builder.ts'

const LIMITS = { depth: 4, attributes: 4 }
const ROOT = "<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>"

/** Everything that is completed, one tag after the other as the parser feeds it. */
function build(text: string, builder = new TreeBuilder(LIMITS, 'jabber:client')): string[] {
  const found: string[] = []
  for (const part of text.split(/(?<=>)/)) {
    builder.write(part)
    const { declaration, root, element, end } = builder.take() ?? {}
    if (declaration) found.push('declaration')
    if (root) found.push(`root ${root.name}`)
    if (element) found.push(serialize(element))
    if (end) found.push('end')
  }
  return found
}

function fault(text: string, limits: TreeLimits = LIMITS): string {
  try {
    build(text, new TreeBuilder(limits, 'jabber:client'))
  } catch (error) {
    if (error instanceof ParseFaultError) return `${error.condition}: ${error.message}`
    throw error
  }
  return 'none'
}

describe('trees', () => {
  it('are complete with their last tag, in the order of the stream', () => {
    expect(build(`<?xml version='1.0'?>${ROOT}<a/>\n<b><c/>x</b></s:stream>`)).toEqual([
      'declaration',
      'root stream',
      '<a/>',
      '<b><c/>x</b>',
      'end',
    ])
  })

  it.each([
    ['a prefix', "<p:a xmlns:p='urn:p'><p:b/></p:a>", '<a xmlns="urn:p"><b/></a>'],
    [
      'a namespace that ends',
      "<a xmlns='urn:p'><b xmlns='jabber:client'/></a>",
      '<a xmlns="urn:p"><b xmlns="jabber:client"/></a>',
    ],
    ['no namespace', "<a xmlns=''/>", '<a xmlns=""/>'],
    ['the namespace that is there anyway', "<a xmlns='jabber:client'/>", '<a/>'],
    ['an attribute with a prefix', "<a xmlns:p='urn:p' p:b='c'/>", '<a xmlns:p="urn:p" p:b="c"/>'],
    ['a prefix that is declared behind its use', "<a p:b='c' xmlns:p='urn:p'/>", '<a xmlns:p="urn:p" p:b="c"/>'],
    ['the prefix xml', "<a xml:lang='de'/>", '<a xml:lang="de"/>'],
    ['a prefix of the root', "<a s:b='c'/>", '<a xmlns:s="http://etherx.jabber.org/streams" s:b="c"/>'],
    ['a declaration that nobody needs', "<a xmlns:q='urn:q'/>", '<a/>'],
    ['an attribute called __proto__', "<a __proto__='b'/>", '<a __proto__="b"/>'],
  ])('are in their normal form: %s', (_, text, normal) => {
    expect(build(`${ROOT}${text}`)).toEqual(['root stream', normal])
  })

  it('have CDATA as text, and it is known when it has ended', () => {
    const builder = new TreeBuilder(LIMITS, 'jabber:client')
    build(`${ROOT}<a>x`, builder)
    builder.enterCdata()
    builder.write('<![CDATA[<b')
    builder.write('>')
    expect(builder.inCdata).toBe(true)
    builder.write(']]>')
    expect(builder.inCdata).toBe(false)
    expect(build('y</a>', builder)).toEqual(['<a>x&lt;b&gt;y</a>'])
  })
})

describe('the root', () => {
  it('has its attributes in no namespace and those of xml, and its content namespace', () => {
    const builder = new TreeBuilder(LIMITS, 'jabber:client')
    builder.write("<s:stream xmlns:s='urn:s' to='a' xml:lang='de' s:to='b'>")
    const root = builder.take()?.root
    expect(root && { ...root, attrs: { ...root.attrs } }).toEqual({
      name: 'stream',
      namespace: 'urn:s',
      contentNamespace: '',
      attrs: { to: 'a', 'xml:lang': 'de' },
    })
  })

  it('can have been read elsewhere', () => {
    const builder = new TreeBuilder(LIMITS, 'urn:content')
    builder.enterStream()
    expect(builder.depth).toBe(1)
    const text = "<a><b xmlns='jabber:client'/></a><stream:error/></stream:stream>"
    expect(build(text, builder)).toEqual([
      '<a><b xmlns="jabber:client"/></a>',
      '<error xmlns="http://etherx.jabber.org/streams"/>',
      'end',
    ])
  })
})

describe('a fault', () => {
  it.each([
    ['tags that do not match', `${ROOT}<a></b>`, 'not-well-formed'],
    ['the same attribute twice', `${ROOT}<a b='' b=''/>`, 'not-well-formed'],
    [
      'the same attribute twice, by two prefixes',
      `${ROOT}<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>`,
      'not-well-formed',
    ],
    ['a prefix that nobody declares', `${ROOT}<p:a/>`, 'not-well-formed'],
    ['a name that is none behind its prefix', `${ROOT}<s:1/>`, 'not-well-formed'],
    ['an attribute whose name is none behind its prefix', `${ROOT}<a s:1=''/>`, 'not-well-formed'],
    ['a declaration whose name is none', `${ROOT}<a xmlns:1='u'/>`, 'not-well-formed'],
    ['an entity', `${ROOT}<a>&nbsp;</a>`, 'restricted-xml'],
    ['another version', "<?xml version='1.1'?>", 'not-well-formed'],
    ['another encoding', "<?xml version='1.0' encoding='latin1'?>", 'unsupported-encoding'],
    ['text between stanzas', `${ROOT}x<a/>`, 'bad-format'],
    ['five levels', `${ROOT}<a><a><a><a><a>`, 'policy-violation'],
    ['five attributes', `${ROOT}<a b='' c='' d='' e='' f=''/>`, 'policy-violation'],
    ['five attributes of the root', "<a b='' c='' d='' e='' f=''>", 'policy-violation'],
  ])('%s', (_, text, condition) => {
    expect(fault(text).replace(/:.*/s, '')).toBe(condition)
  })

  it.each([
    "<?xml version='1.0' encoding='UTF-8'?>",
    "<?xml version='1.0' encoding='utf-8'?>",
    `${ROOT} \r\n\t<a/>`,
    `${ROOT}<a><a><a><a/>`,
    `${ROOT}<a b='' c='' d='' e=''/>`,
  ])('is not in %s', (text) => {
    expect(fault(text)).toBe('none')
  })

  it('quotes nothing of what was sent', () => {
    expect(fault(`${ROOT}<secret></other>`)).not.toMatch(/secret|other/)
  })

  it('is by the limits that hold now', () => {
    const builder = new TreeBuilder(LIMITS, 'jabber:client')
    build(`${ROOT}<a><a><a>`, builder)
    builder.setLimits({ ...LIMITS, depth: 3 })
    expect(() => build('<a>', builder)).toThrow(ParseFaultError)
  })
})
