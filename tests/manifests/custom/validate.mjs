// Reads custom resources as JSON, an array, from standard input; prints for each what its published schema says against it.
import { readFileSync } from "node:fs";

const MODELS = {
    "gateway.networking.k8s.io/v1": "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1",
    // The newest published schema; version 1 has the same fields.
    "external-secrets.io/v1": "@kubernetes-models/external-secrets/external-secrets.io/v1beta1",
    "postgresql.cnpg.io/v1": "@kubernetes-models/cloudnative-pg/postgresql.cnpg.io/v1",
    "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
};

async function judge(resource) {
    const Model = (await import(MODELS[resource.apiVersion]))[resource.kind];
    try {
        // The model sets its own version.
        const { apiVersion, kind, ...fields } = resource;
        new Model(fields).validate();
        return null;
    } catch (error) {
        return String(error.message);
    }
}

console.log(JSON.stringify(await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(judge))));
