import { mount } from '@vue/test-utils'
import { expect, test } from 'vitest'
import MarkdownText, { words } from '@/components/MarkdownText'

const html = (text: string) => mount(MarkdownText, { props: { text } }).element.innerHTML
const shown = (text: string) => mount(MarkdownText, { props: { text } }).text()

test.each([
  ['**bold** and *italic*', '<p><strong>bold</strong> and <em>italic</em></p>'],
  ['run `cargo test`', '<p>run <code>cargo test</code></p>'],
  ['one\ntwo', '<p>one<br>two</p>'],
  ['- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
  ['3. c\n4. d', '<ol start="3"><li>c</li><li>d</li></ol>'],
  ['```\nlet x = 1 < 2\n```', '<pre tabindex="0"><code>let x = 1 &lt; 2</code></pre>'],
  ['> said', '<blockquote><p>said</p></blockquote>'],
  ['# Title', '<p class="markdown-heading">Title</p>'],
])('%j is %s', (text, expected) => expect(html(text)).toBe(expected))

test('a link opens elsewhere and tells nothing about us', () => {
  const link = mount(MarkdownText, { props: { text: '[the run](https://ci.test/1)' } }).get('a')
  expect(link.attributes()).toMatchObject({ href: 'https://ci.test/1', target: '_blank' })
  expect(link.attributes('rel')).toContain('noopener')
})

test('an address that stands in the text is a link', () => {
  const text = 'see https://ci.test/1 please'
  expect(mount(MarkdownText, { props: { text } }).get('a').text()).toBe('https://ci.test/1')
})

test.each([
  '[run](javascript:alert(1))',
  '[run](data:text/html,<script>alert(1)</script>)',
  '<img src=x onerror=alert(1)>',
  '<script>alert(1)</script>',
  '![picture](https://elsewhere.test/pixel.png)',
  'a <b onclick="x()">bold</b> one',
])('%j stays what was typed', (text) => {
  const root = mount(MarkdownText, { props: { text } })
  expect(root.find('img, script, b, a, [onclick], [onerror]').exists()).toBe(false)
  expect(shown(text)).toBe(text)
})

test('characters of HTML are shown once, as they were typed', () => {
  expect(shown('a < b && "c" > `d & e`')).toBe('a < b && "c" > d & e')
})

test('what is not understood is not lost', () => {
  expect(shown('| a | b |\n|---|---|\n| 1 | 2 |')).toContain('| 1 | 2 |')
  expect(shown('- [x] done\n- [ ] open')).toContain('☑ done')
})

test('half of everything, and very much of it, is no trouble', () => {
  expect(shown('**half `way [to](')).toContain('half')
  expect(shown('> '.repeat(40) + 'deep')).toContain('deep')
  expect(shown('x '.repeat(25_000))).toHaveLength(49_999)
})

test.each([
  ['this is **Kay**, see `code` and https://ci.test', 'this is Kay, see code and https://ci.test'],
  ['one\n\ntwo', 'one two'],
  ['- a\n- *b*', 'a b'],
  ['# Title\ntext', 'Title text'],
  ['```\nlet x = 1\n```', 'let x = 1'],
  ['**cut off in the mi', '**cut off in the mi'],
  ['', ''],
])('the words of %j are %j', (text, expected) => expect(words(text)).toBe(expected))
