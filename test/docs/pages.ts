import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import GithubSlugger from 'github-slugger';
import { marked, type Token, type Tokens } from 'marked';

/** A Markdown page of the project. */
export interface Page {
  /** From the project's root. */
  path: string;
  text: string;
  /** What GitHub calls its headings in addresses. */
  anchors: ReadonlySet<string>;
  /** Where its links and pictures lead, as written. */
  targets: readonly string[];
  /** In sentences and tables. */
  codeSpans: readonly string[];
  codeBlocks: readonly { lang: string; text: string }[];
  tables: readonly Table[];
}

export interface Table {
  /** The nearest heading above it. */
  heading: string;
  head: readonly string[];
  /** Cells as written, without the escapes of `|`. */
  rows: readonly (readonly string[])[];
}

const ROOT = new URL('../../', import.meta.url);

/** A file of the project. */
export function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8');
}

/** Every page that a reader can reach. */
export const PAGES: readonly Page[] = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(new URL('docs/', ROOT))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].map((path) => parse(path, read(path)));

/** The page of this path. */
export function page(path: string): Page {
  return PAGES.find((candidate) => candidate.path === path)!;
}

/** Takes a page apart. */
export function parse(path: string, text: string): Page {
  const slugger = new GithubSlugger();
  const anchors = new Set<string>();
  const targets: string[] = [];
  const codeSpans: string[] = [];
  const codeBlocks: { lang: string; text: string }[] = [];
  const tables: Table[] = [];
  let heading = '';
  void marked.walkTokens(marked.lexer(text), (token: Token) => {
    switch (token.type) {
      case 'heading':
        heading = plain((token as Tokens.Heading).text);
        anchors.add(slugger.slug(heading));
        break;
      case 'link':
      case 'image':
        targets.push((token as Tokens.Link).href);
        break;
      case 'codespan':
        codeSpans.push((token as Tokens.Codespan).text);
        break;
      case 'code':
        codeBlocks.push({ lang: (token as Tokens.Code).lang ?? '', text: (token as Tokens.Code).text });
        break;
      case 'table': {
        const { header, rows } = token as Tokens.Table;
        const cells = (row: Tokens.TableCell[]) => row.map((cell) => cell.text);
        tables.push({ heading, head: cells(header), rows: rows.map(cells) });
        break;
      }
    }
  });
  return { path, text, anchors, targets, codeSpans, codeBlocks, tables };
}

/** What is wrong with a page's links: files and headings that do not exist. */
export function brokenLinks({ path, targets, anchors }: Page, exists: (path: string) => boolean): string[] {
  return targets.filter((target) => {
    if (/^https?:/.test(target)) return false;
    const [file = '', anchor] = target.split('#');
    const to = file === '' ? path : posix.join(posix.dirname(path), file);
    if (file !== '' && !exists(to)) return true;
    if (anchor === undefined) return false;
    return !(file === '' ? anchors : page(to)?.anchors)?.has(anchor);
  });
}

function plain(heading: string): string {
  return heading.replace(/[`*]/g, '');
}
