// Runs a program with a `wx` that sends what WeChat's sends, and prints how its upload() ended:
// node wx.js <program> <path> <token> <fields as JSON>
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const [program, file, token, fields] = process.argv.slice(2);

// The fields, then one file. `success` for any answer, with the body as a text; `fail` for none.
async function uploadFile({url, filePath, name, header, formData, timeout, success, fail}) {
    const form = new FormData();
    for (const [key, value] of Object.entries(formData)) form.append(key, value);
    form.append(name, new Blob([fs.readFileSync(filePath)]), path.basename(filePath));
    let res;
    try {
        const signal = AbortSignal.timeout(timeout);
        const response = await fetch(url, {method: "POST", headers: header, body: form, signal});
        res = {statusCode: response.status, data: await response.text()};
    } catch (error) {
        return fail({errMsg: `uploadFile:fail ${error.message}`});
    }
    success(res);
}

const mini = vm.createContext({wx: {uploadFile}, setTimeout});
vm.runInContext(fs.readFileSync(program, "utf-8"), mini);
mini.upload(file, token, JSON.parse(fields)).then(
    (answer) => console.log(answer.url),
    (error) => {
        console.error(error.message);
        process.exitCode = 1;
    },
);
