import { join } from 'node:path'
import {
  API,
  type Checker,
  type Project,
  SignatureKind,
  SymbolFlags,
  type Symbol as TsSymbol,
  type Type,
  TypeFlags,
} from 'typescript/unstable/sync'

/** What stands for types of the language that JSON writes in its own way. */
const AS_JSON: Readonly<Record<string, string>> = { Date: 'string /* time, ISO 8601 */', URL: 'string' }

/** Turns types into what `JSON.stringify` makes of their values, in the notation of TypeScript. */
class JsonShape {
  readonly #checker: Checker
  /** Types that are being written, to find one that contains itself. */
  readonly #open: number[] = []

  constructor(checker: Checker) {
    this.#checker = checker
  }

  /** @param indent what stands before the line that this begins in */
  of(type: Type, indent = ''): string {
    if (type.isUnionType()) return this.#union(type.getTypes(), indent)
    if (!type.isObjectType() && !type.isIntersectionType()) return this.#checker.typeToString(type)
    const name = type.getSymbol()?.name ?? ''
    const known = AS_JSON[name]
    if (known !== undefined) return known
    if (this.#checker.isArrayType(type)) return this.#array(type, indent)
    if (type.isTypeReference() && this.#checker.isTupleType(type)) {
      return `[${this.#checker
        .getTypeArguments(type)
        .map((item) => this.of(item, indent))
        .join(', ')}]`
    }
    if (this.#open.includes(type.id)) return name
    this.#open.push(type.id)
    try {
      return this.#object(type, indent)
    } finally {
      this.#open.pop()
    }
  }

  #union(types: readonly Type[], indent: string): string {
    const present = types.filter(({ flags }) => (flags & (TypeFlags.Undefined | TypeFlags.Void)) === 0)
    const isBoolean = ({ flags }: Type) => (flags & TypeFlags.BooleanLiteral) !== 0
    const hasBoth = present.filter(isBoolean).length === 2
    const texts = present.map((type) => (hasBoth && isBoolean(type) ? 'boolean' : this.of(type, indent)))
    const isNull = (text: string) => Number(text === 'null')
    return [...new Set(texts)].sort((a, b) => isNull(a) - isNull(b)).join(' | ')
  }

  #array(type: Type, indent: string): string {
    const [item] = type.isTypeReference() ? this.#checker.getTypeArguments(type) : []
    if (item === undefined) throw new Error('an array without a type of its items')
    const text = this.of(item, indent)
    return item.isUnionType() && text.includes(' | ') ? `(${text})[]` : `${text}[]`
  }

  #object(type: Type, indent: string): string {
    const properties = this.#checker.getPropertiesOfType(type)
    const custom = properties.find(({ name }) => name === 'toJSON')
    if (custom !== undefined) return this.of(returnTypeOf(this.#checker, custom), indent)
    const inner = `${indent}  `
    const lines = properties.flatMap((property) => this.#property(property, inner))
    for (const { keyType, valueType } of this.#checker.getIndexInfosOfType(type)) {
      lines.push(`${inner}[name: ${this.of(keyType)}]: ${this.of(valueType, inner)}`)
    }
    return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`
  }

  /** Its comment and its line; nothing for what JSON leaves out. */
  #property(property: TsSymbol, indent: string): string[] {
    const type = this.#checker.getTypeOfSymbol(property)
    if (type === undefined || (property.flags & SymbolFlags.Method) !== 0 || isPrivate(property.name)) return []
    const parts = type.isUnionType() ? type.getTypes() : [type]
    if (parts.every((part) => this.#checker.getSignaturesOfType(part, SignatureKind.Call).length > 0)) return []
    const isOptional =
      (property.flags & SymbolFlags.Optional) !== 0 || parts.some(({ flags }) => (flags & TypeFlags.Undefined) !== 0)
    const said = this.#checker.getDocumentationCommentOfSymbol(property).replace(/\s+/g, ' ').trim()
    const line = `${indent}${property.name}${isOptional ? '?' : ''}: ${this.of(type, indent)}`
    return said === '' ? [line] : [`${indent}/** ${said} */`, line]
  }
}

function isPrivate(name: string): boolean {
  return name.startsWith('#') || name.startsWith('__#')
}

function returnTypeOf(checker: Checker, method: TsSymbol): Type {
  const type = checker.getTypeOfSymbol(method)
  const [signature] = type === undefined ? [] : checker.getSignaturesOfType(type, SignatureKind.Call)
  const result = signature && checker.getReturnTypeOfSignature(signature)
  if (result === undefined) throw new Error(`${method.name} returns nothing`)
  return result
}

/** A module of the sources, as the compiler sees it. */
class SourceModule {
  readonly #checker: Checker
  readonly #symbol: TsSymbol
  readonly #path: string

  constructor({ checker, program }: Project, path: string) {
    const file = program.getSourceFile(path)
    const symbol = file && checker.getSymbolAtLocation(file)
    if (symbol === undefined) throw new Error(`${path} is not a module of the project`)
    this.#checker = checker
    this.#symbol = symbol
    this.#path = path
  }

  exported(name: string): Type {
    const symbol = this.#checker.getExportsOfModule(this.#symbol).find((one) => one.name === name)
    if (symbol === undefined) throw new Error(`${this.#path} does not export ${name}`)
    return this.#checker.getDeclaredTypeOfSymbol(symbol)
  }

  /** What `run` of the command in it resolves with. */
  get result(): Type {
    const run = this.#checker.getPropertyOfType(this.exported('default'), 'run')
    if (run === undefined) throw new Error(`${this.#path} is not a command`)
    const promise = returnTypeOf(this.#checker, run)
    const [result] = promise.isTypeReference() ? this.#checker.getTypeArguments(promise) : []
    if (result === undefined) throw new Error(`run of ${this.#path} returns no promise`)
    return result
  }
}

export interface JsonShapes {
  /** By id: what the command resolves with, which is what `--json` prints. */
  readonly commands: ReadonlyMap<string, string>
  /** What stands under `error`. */
  readonly error: string
  /** The first line that `serve` prints. */
  readonly listening: string
}

/**
 * Reads from the types of the sources what each command prints with `--json`.
 * @param root folder of the checkout
 * @param ids of commands with `--json`
 */
export function readJsonShapes(root: string, ids: readonly string[]): JsonShapes {
  const api = new API({ cwd: root })
  try {
    const [project] = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] }).getProjects()
    if (project === undefined) throw new Error('the compiler does not open the project')
    const shape = new JsonShape(project.checker)
    const moduleOf = (path: string) => new SourceModule(project, join(root, 'src', path))
    const commandOf = (id: string) => moduleOf(`commands/${id.replaceAll(':', '/')}.ts`)
    return {
      commands: new Map(ids.map((id) => [id, shape.of(commandOf(id).result)])),
      error: shape.of(moduleOf('cli/describe-error.ts').exported('ErrorDocument')),
      listening: shape.of(commandOf('serve').exported('ListeningEvent')),
    }
  } finally {
    api.close()
  }
}
