/**
 * The part of ltx 3 that may be used: its tree. The package ships no types, and what is not declared here
 * (its parser, `stringify`, the look-ups that compare prefixes) does not belong in this program.
 */
declare module 'ltx' {
  export class Element {
    constructor(name: string, attrs?: Record<string, string>)
    name: string
    parent: Element | null
    attrs: Record<string, string>
    children: (Element | string)[]
  }
}
