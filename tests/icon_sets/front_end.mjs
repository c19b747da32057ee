// node front_end.mjs SET: builds and renders a set as a front end would; prints the result as JSON.
// Runs in the folder whose node_modules has the packages of package.json.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";

const here = createRequire(join(process.cwd(), "package.json"));
const load = (name) => import(pathToFileURL(here.resolve(name)).href);
const set = resolve(process.argv[2]);

const { build } = (await load("esbuild")).default;
const { parse, compileScript } = here("@vue/compiler-sfc");
const { quicklyValidateIconSet, validateIconSet, getIconData, iconToSVG } = await load("@iconify/utils");

const vue = {
  name: "vue",
  setup(builder) {
    builder.onLoad({ filter: /\.vue$/ }, ({ path }) => {
      const { descriptor, errors } = parse(readFileSync(path, "utf8"), { filename: path });
      if (errors.length) throw errors[0];
      return { contents: compileScript(descriptor, { id: path, inlineTemplate: true }).content, loader: "js" };
    });
  },
};

async function rendered(kind, script) {
  const result = await build({
    stdin: { contents: script, resolveDir: process.cwd(), loader: "js" },
    bundle: true, write: false, format: "cjs", platform: "node", jsx: "automatic", plugins: [vue], logLevel: "silent",
    nodePaths: [join(process.cwd(), "node_modules")],
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const module = { exports: {} };
  new Function("module", "exports", "require", result.outputFiles[0].text)(module, module.exports, here);
  return { warnings: result.warnings.map((each) => each.text), icons: await module.exports[kind]() };
}

const react = await rendered("react", `
  import * as icons from ${JSON.stringify(join(set, "react", "index.js"))};
  import { createElement } from "react";
  import { renderToStaticMarkup } from "react-dom/server";
  export const react = () => Object.fromEntries(
    Object.entries(icons).map(([name, icon]) => [name, renderToStaticMarkup(createElement(icon, { size: 32 }))]));
`);
const vueIcons = await rendered("vue", `
  import * as icons from ${JSON.stringify(join(set, "vue", "index.js"))};
  import { createSSRApp } from "vue";
  import { renderToString } from "vue/server-renderer";
  export const vue = async () => Object.fromEntries(await Promise.all(
    Object.entries(icons).map(async ([name, icon]) => [name, await renderToString(createSSRApp(icon, { size: 32 }))])));
`);
const json = JSON.parse(readFileSync(join(set, "icons.json"), "utf8"));
validateIconSet(structuredClone(json)); // throws
const iconify = {};
for (const name of Object.keys(json.icons)) {
  const { attributes, body } = iconToSVG(getIconData(json, name), { height: 32 });
  iconify[name] = `<svg xmlns="http://www.w3.org/2000/svg" ${Object.entries(attributes)
    .map(([key, value]) => `${key}="${value}"`).join(" ")}>${body}</svg>`;
}
console.log(JSON.stringify({
  react, vue: vueIcons, iconify, quick: quicklyValidateIconSet(json) !== null, executed: globalThis.hacked === true,
}));
