// The API reference of @weir/stack (docs/api/*.md), made from the declarations and docstrings that stack/src/index.ts
// exports. In: the TypeScript compiler's view of the sources. Out: one Markdown page per concern and an index, always the
// same for the same sources. Called by `npm run docs`, and by a test that compares the pages with the sources.
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const SOURCES = fileURLToPath(new URL('../stack/src/', import.meta.url))

/** Pages in the order of the index; a declaration goes to the first page whose pattern its file matches. */
const PAGES = [
  [
    'stack',
    'Stack',
    'Making a stack, its options, counters and time-outs.',
    /^(stack|options|counters)\.ts|^flow\/(timeouts|memory)/,
  ],
  ['workers', 'Workers', 'Several threads that share the flows of one input.', /^workers\/|^flow\/shard/],
  ['sockets', 'Sockets', 'What a program opens to monitor flows or packets.', /^monitor\/socket/],
  [
    'flows',
    'Flows',
    'What handlers get: the flow, its two sides, its timers.',
    /^monitor\/(?!packet-filter)|^flow\/|^tcp\/state/,
  ],
  [
    'events',
    'Events',
    'The built-in events, their hooks and payloads, and the codes they carry.',
    /^event\/(?!ude)/,
  ],
  ['user-defined-events', 'User-defined events', 'Events derived from others.', /^event\/ude/],
  ['capture', 'Capture', 'Packet sources and sinks: files, live interfaces, forwarding.', /^capture\//],
  ['filters', 'Filters', 'BPF expressions and programs.', /^bpf\/|^monitor\/packet-filter/],
  ['ip', 'IP', 'Fragments, tunnels, networks.', /^ip\//],
  [
    'tcp',
    'TCP',
    'How receivers differ, which policy is whose, and who is the server.',
    /^tcp\/(options|policy|roles)/,
  ],
  ['packets', 'Packets', 'The packet view, header layouts, decoding, checksums.', /^(wire|inline)\//],
  ['other', 'Other', 'What the other pages do not cover.', /./],
]

/**
 * @returns pages: text by file name; problems: exports and members without a docstring, and types that are not exported
 *   but needed to understand what is
 */
export function apiReference() {
  const program = ts.createProgram([`${SOURCES}index.ts`], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  })
  const checker = program.getTypeChecker()
  const index = program.getSourceFile(`${SOURCES}index.ts`)
  const symbols = checker
    .getExportsOfModule(checker.getSymbolAtLocation(index))
    .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
  const writer = new Writer(checker, new Set(symbols))
  const entries = symbols.map((symbol) => writer.entry(symbol)).sort(bySource)
  const pages = new Map()
  for (const [file, title, about] of PAGES) {
    const own = entries.filter((entry) => entry.page === file)
    if (own.length > 0)
      pages.set(`${file}.md`, `${[`# ${title}`, about, ...own.map((e) => e.text)].join('\n\n')}\n`)
  }
  pages.set('README.md', contents(entries))
  return { pages, problems: writer.problems }
}

function contents(entries) {
  const lines = [
    '# API reference of `@weir/stack`',
    'Made by `npm run docs` from the docstrings in `stack/src`. The [guides](../README.md) explain how things fit together.',
    'Times are microseconds since 1970 unless a name says otherwise; lengths and offsets are bytes. Handles (`flow`, `packet`, ' +
      'payloads of events) are valid during the call they are handed to.',
  ]
  for (const [file, title, about] of PAGES) {
    const names = entries.filter((entry) => entry.page === file).map(({ name }) => name)
    if (names.length === 0) continue
    const links = names.map((name) => `[${name}](${file}.md#${name.toLowerCase()})`)
    lines.push(`## [${title}](${file}.md)`, about, links.join(' · '))
  }
  return `${lines.join('\n\n')}\n`
}

function bySource(a, b) {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : a.position - b.position
}

/** Turns declarations into Markdown. */
class Writer {
  problems = []

  constructor(checker, exported) {
    this.checker = checker
    this.exported = exported
  }

  entry(symbol) {
    const [declaration] = symbol.declarations
    const source = declaration.getSourceFile()
    const file = relative(SOURCES, source.fileName).split(sep).join('/')
    const [page] = PAGES.find(([, , , pattern]) => pattern.test(file))
    this.where = `${file}: ${symbol.name}`
    this.references(declaration)
    const text = [`## ${symbol.name}`, ...this.body(symbol, declaration)]
      .filter((part) => part !== '')
      .join('\n\n')
    return { name: symbol.name, page, file, position: declaration.pos, text }
  }

  body(symbol, declaration) {
    if (ts.isFunctionDeclaration(declaration)) {
      const signatures = symbol.declarations.filter((d) => !d.body || symbol.declarations.length === 1)
      return [
        code(signatures.map((d) => `function ${signature(d, this.checker)}`).join('\n')),
        this.prose(symbol, 'function'),
      ]
    }
    if (ts.isTypeAliasDeclaration(declaration)) {
      const listed = this.listed(declaration)
      return [listed === '' ? code(flat(declaration)) : '', this.prose(symbol, 'type', listed !== ''), listed]
    }
    if (ts.isVariableDeclaration(declaration)) return this.constant(symbol, declaration)
    return this.members(symbol, declaration)
  }

  constant(symbol, declaration) {
    const values = declaration.initializer && unwrapped(declaration.initializer)
    const prose = this.prose(symbol, 'constant')
    if (values && ts.isObjectLiteralExpression(values) && !declaration.type) {
      const rows = values.properties.map((p) => [
        `\`${p.name.getText()}\``,
        p.initializer.getText(),
        docOf(p),
      ])
      return [code(`const ${symbol.name}: { … }`), prose, table(['name', 'value', ''], rows)]
    }
    const type =
      declaration.type?.getText() ?? this.checker.typeToString(this.checker.getTypeOfSymbol(symbol))
    return [code(`const ${symbol.name}: ${oneLine(type)}`), prose]
  }

  /** Interfaces and classes: the head, then a row for each member. */
  members(symbol, declaration) {
    const isClass = ts.isClassDeclaration(declaration)
    const head = `${isClass ? 'class' : 'interface'} ${symbol.name}${generics(declaration)}${heritage(declaration)}`
    const rows = []
    for (const member of declaration.members) {
      if (isHidden(member) || (ts.isSetAccessor(member) && hasGetter(declaration, member))) continue
      const overloaded = declaration.members.some(
        (m) => m !== member && !m.body && m.name?.getText() === member.name?.getText(),
      )
      if (isClass && overloaded && member.body) continue
      const text = [docOf(member), ...tagsOf(member)].filter((part) => part !== '').join('<br>')
      if (text === '' && !isPlain(member))
        this.problems.push(`${this.where}.${member.name?.getText()} has no docstring`)
      rows.push([`\`${memberText(member, this.checker)}\``, text])
    }
    return [code(head), this.prose(symbol, 'type'), table(['', ''], rows)]
  }

  /** Values of a union made from a constant array, with the comments beside them. */
  listed(declaration) {
    const match = /^\(typeof (\w+)\)\[number\]$/.exec(oneLine(declaration.type.getText()))
    if (match === null) return ''
    const source = declaration.getSourceFile()
    const constant = this.checker.resolveName(match[1], source, ts.SymbolFlags.Variable, false)
    const values = constant?.valueDeclaration?.initializer && unwrapped(constant.valueDeclaration.initializer)
    if (!values || !ts.isArrayLiteralExpression(values)) return ''
    const rows = values.elements.map((e) => [`\`${e.getText()}\``, commentBefore(e, source)])
    return rows.every(([, text]) => text === '') ? '' : table(['value', ''], rows)
  }

  prose(symbol, kind, optional = false) {
    const [declaration] = symbol.declarations
    const holder = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    const documented = symbol.declarations
      .map((d) => (ts.isVariableDeclaration(d) ? holder : d))
      .find((d) => docOf(d) !== '')
    const tags = tagsOf(documented ?? holder)
    if (documented === undefined && tags.length === 0 && !optional && kind !== 'type') {
      this.problems.push(`${this.where} has no docstring`)
    }
    return [documented ? docOf(documented, '\n\n') : '', ...tags].filter((part) => part !== '').join('\n\n')
  }

  /** Notes types of ours that are named but not exported. */
  references(node) {
    const visit = (child) => {
      if (isHidden(child) || ts.isBlock(child)) return
      if (ts.isTypeReferenceNode(child) || ts.isExpressionWithTypeArguments(child)) {
        const name = child.typeName ?? child.expression
        let symbol = this.checker.getSymbolAtLocation(name)
        if (symbol && symbol.flags & ts.SymbolFlags.Alias) symbol = this.checker.getAliasedSymbol(symbol)
        const own = symbol?.declarations?.[0]?.getSourceFile().fileName.startsWith(SOURCES)
        const parameter = symbol && symbol.flags & ts.SymbolFlags.TypeParameter
        if (own && !parameter && !this.exported.has(symbol)) {
          this.problems.push(`${this.where} names ${symbol.name}, which is not exported`)
        }
      }
      if (!ts.isVariableDeclaration(child) || child === node) ts.forEachChild(child, visit)
    }
    if (!ts.isVariableDeclaration(node)) visit(node)
  }
}

// ---- Text of declarations --------------------------------------------------------------------------------------

const oneLine = (text) =>
  text
    .replace(/\s*\n\s*\/\*\*[\s\S]*?\*\//g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
const code = (text) => `\`\`\`ts\n${text}\n\`\`\``
const flat = (node) => node.getText().replace(/^export /, '')

function generics(declaration) {
  const list = declaration.typeParameters?.map((p) => p.getText()) ?? []
  return list.length === 0 ? '' : `<${list.join(', ')}>`
}

function heritage(declaration) {
  const clauses = declaration.heritageClauses?.map((clause) => ` ${oneLine(clause.getText())}`) ?? []
  return clauses.join('')
}

function signature(d, checker) {
  const parameters = d.parameters.map((p) => {
    const optional = p.questionToken || p.initializer ? '?' : ''
    const type = p.type?.getText() ?? checker.typeToString(checker.getTypeAtLocation(p))
    return `${p.dotDotDotToken ? '...' : ''}${p.name.getText().replace(/^_/, '')}${optional}: ${oneLine(type)}`
  })
  const name = ts.isConstructorDeclaration(d) ? 'constructor' : (d.name?.getText() ?? '')
  const result = d.type ? `: ${oneLine(d.type.getText())}` : ''
  return `${name}${generics(d)}(${parameters.join(', ')})${result}`
}

function memberText(member, checker) {
  if (ts.isConstructorDeclaration(member) || ts.isMethodDeclaration(member) || ts.isMethodSignature(member)) {
    return signature(member, checker)
  }
  const readonly =
    ts.isGetAccessor(member) || hasModifier(member, ts.SyntaxKind.ReadonlyKeyword) ? 'readonly ' : ''
  const type = member.type?.getText() ?? checker.typeToString(checker.getTypeAtLocation(member))
  return `${readonly}${member.name?.getText() ?? ''}${member.questionToken ? '?' : ''}: ${oneLine(type)}`
}

/** `offset: number` and the like need no words. */
function isPlain(member) {
  return !ts.isMethodDeclaration(member) && !ts.isMethodSignature(member)
}

function unwrapped(node) {
  if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return unwrapped(node.expression)
  const frozen = ts.isCallExpression(node) && node.expression.getText() === 'Object.freeze'
  return frozen ? unwrapped(node.arguments[0]) : node
}

const hasModifier = (node, kind) =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === kind)

function isHidden(node) {
  if (hasModifier(node, ts.SyntaxKind.PrivateKeyword) || node.name?.kind === ts.SyntaxKind.PrivateIdentifier)
    return true
  return ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'internal')
}

function hasGetter(declaration, setter) {
  return declaration.members.some((m) => ts.isGetAccessor(m) && m.name.getText() === setter.name.getText())
}

// ---- Text of docstrings ----------------------------------------------------------------------------------------

const words = (comment) => ts.getTextOfJSDocComment(comment)?.trim() ?? ''

/** The docstring without its tags; paragraphs are set apart by `paragraph`, lines joined. A comment before it is the file's. */
function docOf(node, paragraph = '<br>') {
  return paragraphs(words(node.jsDoc?.at(-1)?.comment), paragraph)
}

/** Lists stay lists where there is room for them. */
function paragraphs(text, between) {
  const room = between.startsWith('\n')
  const join = (part) => {
    const [first, ...items] = (room ? part.split(/\n(?=- )/) : [part]).map(oneLine)
    const gap = first.startsWith('- ') ? '\n' : '\n\n'
    return items.length === 0 ? first : `${first}${gap}${items.join('\n')}`
  }
  return text
    .split(/\n\s*\n/)
    .map(join)
    .filter((part) => part !== '')
    .join(between)
}

/** Parameters, result, errors and examples. */
function tagsOf(node) {
  const lines = []
  const rows = []
  for (const tag of node.jsDoc?.at(-1)?.tags ?? []) {
    const text = paragraphs(words(tag.comment), ' ')
    const kind = tag.tagName.text
    if (ts.isJSDocParameterTag(tag)) rows.push(`\`${tag.name.getText()}\`: ${text}`)
    else if (kind === 'typeParam') rows.push(text.replace(/^(\w+)/, '`$1`:'))
    else if (kind === 'returns') lines.push(`Returns ${text}.`.replace(/\.\.$/, '.'))
    else if (kind === 'throws') {
      const type = tag.typeExpression?.type.getText() ?? ''
      lines.push(`Throws ${`${type} ${text}`.trim()}.`.replace(/\.\.$/, '.'))
    } else if (kind === 'example') lines.push(code(words(tag.comment)))
  }
  return [rows.join('; '), ...lines].filter((line) => line !== '')
}

function commentBefore(element, source) {
  const ranges = ts.getLeadingCommentRanges(source.text, element.pos) ?? []
  const text = ranges.map(({ pos, end }) =>
    source.text
      .slice(pos, end)
      .replace(/^\/\*\*?|\*\/$/g, '')
      .replace(/^\s*\*/gm, ''),
  )
  return oneLine(text.join(' '))
}

function table(heads, rows) {
  if (rows.length === 0) return ''
  if (rows.every((row) => row.at(-1) === ''))
    return table(
      heads.slice(0, -1),
      rows.map((row) => row.slice(0, -1)),
    )
  const line = (cells) =>
    `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`.replace(/ {2,}/g, ' ')
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n')
}
