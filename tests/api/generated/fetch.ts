// openapi-fetch, with the types that openapi-typescript makes: an upload by a form, and one by PUT.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

const client = createClient<paths>({
  baseUrl: process.env.SITE,
  headers: { Authorization: `Token ${process.env.TOKEN}` },
});
const bytes = Buffer.from(process.env.PNG ?? "", "base64");

// What may be left out need not be written.
type Deployment = paths["/wx/deployments/"]["post"]["requestBody"]["content"];
export const deployment: Deployment["application/json"] = { env: "demo", release: "v1" };

const form = await client.POST("/wx/uploads/", {
  body: { store: "default", path: "uploads/form.png", file: "" },
  bodySerializer(body) {
    const data = new FormData();
    data.set("store", body.store ?? "");
    data.set("path", body.path ?? "");
    data.set("file", new Blob([bytes], { type: "image/png" }), "form.png");
    return data;
  },
});
const put = await client.PUT("/wx/uploads/{store}/{name}", {
  params: { path: { store: "default", name: "uploads/put.png" } },
  body: "",
  bodySerializer: () => new Blob([bytes]),
  headers: { "Content-Type": "application/octet-stream" },
});
for (const answer of [form, put]) {
  if (answer.error) throw new Error(`${answer.error.code}: ${answer.error.detail}`);
  console.log(answer.data.status, answer.data.key);
}
