/** Rule files as text: lines, comments, what is lost when something is wrong, and what is said of it. */
import { describe, expect, it } from 'vitest'
import type { Dialect } from '../../src/rules/model.js'
import { load } from '../rules/support.js'

const rule = (sid: number, body = ''): string => `alert tcp any any -> any any (${body}sid:${sid};)`

type Row = readonly [name: string, text: string, sids: readonly number[], problems?: readonly string[]]

function texts(name: string, dialect: Dialect | 'auto', rows: readonly Row[]): void {
  describe(name, () => {
    for (const [what, text, sids, problems = []] of rows) {
      it(what, () => {
        const loaded = load(text, dialect)
        expect(loaded.rules.map(({ sid }) => sid)).toEqual(sids)
        const said = loaded.problems.map(
          ({ position: { line, column }, severity, message }) =>
            `${line}:${column} ${severity === 'warning' ? 'warning: ' : ''}${message}`,
        )
        expect(said).toEqual(problems)
      })
    }
  })
}

for (const dialect of ['snort2', 'snort3'] as const) {
  texts(`text that is the same in both dialects, read as ${dialect}`, dialect, [
    ['line ends of Windows', `${rule(1)}\r\n${rule(2)}\r\n`, [1, 2]],
    ['no line end at the end', `${rule(1)}\n${rule(2)}`, [1, 2]],
    ['a byte-order mark', `\ufeff${rule(1)}`, [1]],
    ['tabs', rule(1).replaceAll(' ', '\t'), [1]],
    ['comment lines', `#${rule(1)}\n  # ${rule(2)}\n${rule(3)}`, [3]],
    ['lines joined by \\', 'alert tcp any any \\\n -> any any \\\n  (msg:"a"; \\\n sid:1;)\n', [1]],
    ['a comment between joined lines', 'alert tcp any any -> any any (msg:"a"; \\\n# what?\n sid:1;)', [1]],
    ['empty options', 'alert tcp any any -> any any (;; msg:"a";; sid:1;)', [1]],
    ['no semicolon at the end', 'alert tcp any any -> any any (msg:"a"; sid:1)', [1]],
    ['nothing', '', []],
    [
      'two rules with one number: the higher revision stays',
      `${rule(1, 'rev:1; ')}\n${rule(1, 'rev:3; ')}\n${rule(1, 'gid:3; ')}`,
      [1, 1],
      ['1:1 warning: rule 1:1 rev 1 is left out: rev 3 stands in test.rules:2'],
    ],
    [
      'a wrong rule does not take its number',
      `${rule(1, 'foo; ')}\n${rule(1)}`,
      [1],
      ["1:31 unknown option 'foo'"],
    ],
    [
      'a variable that names itself',
      `var A $B\nvar B $A\nalert tcp $A any -> any any (sid:1;)\n${rule(2)}`,
      [2],
      ["3:11 in $B ('$A'): variables refer to each other: $A → $B → $A"],
    ],
    [
      'a wrong variable leaves what it was',
      'ipvar A 10.0.0.1\nipvar A 10.0.0.x\nalert tcp $A any -> any any (sid:1;)',
      [1],
      ["2:9 '10.0.0.x' is not an IP address or network"],
    ],
    [
      'what belongs in a configuration',
      `suppress gen_id 1, sig_id 1\n${rule(1)}`,
      [1],
      ["1:1 warning: 'suppress' is not read from rule files"],
    ],
    [
      'a file of something else',
      '<html>\n</html>',
      [],
      [
        "1:1 unknown rule action '<html>'",
        "2:1 unknown rule action '</html>'; to read a file write: include <file>",
      ],
    ],
  ])
}

texts('Snort 2.9 text', 'snort2', [
  [
    'what counts from a content that moves no cursor',
    rule(1, 'content:"ab"; fast_pattern:only; content:"c"; distance:0; '),
    [1],
    [
      "1:45 warning: the option behind a 'fast_pattern:only' content is relative, but that content moves no cursor: it counts from where the cursor was",
    ],
  ],
  [
    'what counts from the content before that',
    rule(1, 'content:"x"; content:"c"; distance:0; content:"ab"; fast_pattern:only; isdataat:1; '),
    [1],
  ],
  ['variables with a default', 'alert tcp $(NONE:-10.0.0.1) any -> any any (sid:1;)', [1]],
  [
    'variables with a message',
    'alert tcp any any -> $(NONE:?set it first) any (sid:1;)',
    [],
    ['1:22 variable $NONE is not defined: set it first'],
  ],
  ['a quote that is not closed', `${rule(1, 'msg:"a; ')}\n${rule(2)}`, [1, 2]],
  [
    'two rules in a line',
    `${rule(1)} ${rule(2)}\n${rule(3)}`,
    [3],
    ["1:37 text follows the ')' that ends the rule"],
  ],
  ['a comment behind a rule', `${rule(1)} # why\n${rule(2)}`, [2], ["1:39 unexpected text after ')'"]],
])

texts('Snort 3 text', 'snort3', [
  ['two rules in a line', `${rule(1)} ${rule(2)}`, [1, 2]],
  ['a comment behind a rule', `${rule(1)} # why\n${rule(2)}`, [1, 2]],
  ['a comment in the middle', `${rule(1)}\n/* ${rule(2)}\n${rule(3)} */ ${rule(4)}`, [1, 4]],
  ['#begin and #end', `#begin\n${rule(1)}\n#end\n${rule(2)}`, [2]],
  [
    'what looks like a comment in quotes',
    `${rule(1, 'msg:"/* #1"; content:"/*"; content:"# x"; ')}\n${rule(2)}`,
    [1, 2],
  ],
  ['separators in quotes', `${rule(1, 'msg:"a\\"b;c)"; content:"x;)(\\"",nocase; ')}\n${rule(2)}`, [1, 2]],
  [
    'a rule that is never closed costs itself',
    `alert tcp any any -> any any (content:"x";\n${rule(2)}`,
    [2],
    ["1:43 the rule is not closed by ')'"],
  ],
  [
    'a quote that is never closed costs its rule',
    `${rule(1, 'msg:"a; content:"x"; ')}\n${rule(2)}`,
    [2],
    ['1:48 unexpected text behind the quote that ends the msg'],
  ],
  [
    'a comment that is never closed',
    `${rule(1)}\n  /* ${rule(2)}\n${rule(3)}`,
    [1],
    ['2:3 warning: the comment that begins here is never closed: what follows is not read'],
  ],
  [
    '#begin without #end',
    `${rule(1)}\n#begin\n${rule(2)}`,
    [1],
    ['2:1 warning: the comment that begins here is never closed: what follows is not read'],
  ],
])

texts('text whose dialect is found out', 'auto', [
  ['modifiers that stand alone', rule(1, 'content:"x"; nocase; '), [1]],
  ['a buffer before any content', rule(1, 'http_uri; content:"x"; '), [1]],
  [
    'a statement that is too long tells nothing',
    `${rule(1, `content:"${'x'.repeat(300_000)}"; `)}\n${rule(2, 'msg:"a"b"; ')}`,
    [2],
    ['1:1 longer than 262144 characters; skipped'],
  ],
])
