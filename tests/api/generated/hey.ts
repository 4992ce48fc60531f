// The client that hey-api makes: an upload by a form, and one by PUT.
import { client } from "./hey/client.gen";
import { wxUploadsCreate, wxUploadsPut } from "./hey/sdk.gen";
import type { WxDeploymentsCreateData } from "./hey/types.gen";

client.setConfig({
  baseUrl: process.env.SITE,
  headers: { Authorization: `Token ${process.env.TOKEN}` },
});
// What may be left out need not be written.
export const deployment: WxDeploymentsCreateData["body"] = { env: "demo", release: "v1" };
const file = new File([Buffer.from(process.env.PNG ?? "", "base64")], "form.png");

const form = await wxUploadsCreate({
  body: { store: "default", path: "uploads/form.png", file },
});
const put = await wxUploadsPut({
  path: { store: "default", name: "uploads/put.png" },
  body: file,
});
for (const answer of [form, put]) {
  if (answer.error) throw new Error(`${answer.error.code}: ${answer.error.detail}`);
  console.log(answer.data?.status, answer.data?.key);
}
