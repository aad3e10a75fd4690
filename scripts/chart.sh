#!/usr/bin/env bash
# Renders the chart with each file of deploy/helm/entree/ci and validates the
# result against the schemas of every Kubernetes since the oldest that Chart.yaml
# allows; validates the compose file against the Compose specification. The
# configuration of the chart passes "entree config check".
#
# Helm is built from the module of tools/chart, the schemas come from PyPI: the
# first run takes some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
checks=${TMPDIR:-/tmp}/entree-checks
[ -x "$checks/bin/kubernetes-validate" ] || {
	python3 -m venv "$checks"
	"$checks/bin/pip" install --quiet -r tools/chart/requirements.txt
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 GOFLAGS='' GOWORK=off "$go" build -C tools/chart -trimpath -o "$work/" tool
CGO_ENABLED=0 "$go" build -trimpath -tags nomsgpack -o "$work/entree" ./cmd/entree
chart=deploy/helm/entree

"$checks/bin/check-jsonschema" --builtin-schema vendor.compose-spec deploy/container/compose.yaml

# Without the name of a Secret nothing is rendered.
if "$work/helm" template entree "$chart" >/dev/null 2>&1; then
	echo "the chart was rendered without existingSecret" >&2
	exit 1
fi

oldest=$(sed -n 's/^kubeVersion: ">=\([0-9.]*\)\.0-0"$/\1/p' "$chart/Chart.yaml")
versions=$("$checks/bin/python" - "$oldest" <<'PYTHON'
import os, sys, kubernetes_validate

folder = os.path.join(os.path.dirname(kubernetes_validate.__file__), "kubernetes-json-schema")
number = lambda v: tuple(int(n) for n in v.split("."))
found = {d[1:].removesuffix("-local-strict") for d in os.listdir(folder) if d.endswith("-local-strict")}
print(*sorted((v for v in found if number(v) >= number(sys.argv[1])), key=number))
PYTHON
)
[ -n "$versions" ]

# valid VERSION FILE: the schema accepts the objects, and no field is unknown.
valid() { "$checks/bin/kubernetes-validate" --strict --quiet --no-warn --kubernetes-version "$1" "$2"; }

for values in "$chart"/ci/*-values.yaml; do
	"$work/helm" lint --strict --quiet "$chart" --values "$values"
	for version in $versions; do
		"$work/helm" template entree "$chart" --kube-version "$version" --values "$values" >"$work/objects.yaml"
		valid "$version" "$work/objects.yaml"
	done
	echo "$values: $(grep -c '^kind:' "$work/objects.yaml") objects are valid in Kubernetes" $versions
done

# The check itself finds a wrong type and an unknown field.
for fault in 's/^  replicas: .*/  replicas: many/' 's/readOnlyRootFilesystem/readOnlyRootFileSystem/'; do
	sed -e "$fault" "$work/objects.yaml" >"$work/wrong.yaml"
	if cmp -s "$work/objects.yaml" "$work/wrong.yaml" || valid "${versions##* }" "$work/wrong.yaml" >/dev/null 2>&1; then
		echo "a wrong object was accepted: $fault" >&2
		exit 1
	fi
done

# The portal accepts the configuration that the chart makes, with the environment
# of its container.
"$work/helm" template entree "$chart" --values "$chart/ci/full-values.yaml" >"$work/objects.yaml"
"$checks/bin/python" - "$work" <<'PYTHON'
import os, sys, yaml

work = sys.argv[1]
with open(work + "/objects.yaml", encoding="utf-8") as f:
    objects = [o for o in yaml.safe_load_all(f) if o]
data = next(o["data"] for o in objects if o["kind"] == "ConfigMap")
pod = next(o["spec"]["template"]["spec"] for o in objects if o["kind"] == "Deployment")
for item in next(v["configMap"]["items"] for v in pod["volumes"] if v["name"] == "config"):
    path = os.path.join(work, "etc", item["path"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(data[item["key"]])
with open(work + "/environment", "w", encoding="utf-8") as f:
    for e in pod["containers"][0]["env"]:
        if e["name"] != "ENTREE_SECRETS_DIR":
            f.write(f"export {e['name']}='{e['value']}'\n")
PYTHON
(. "$work/environment" && "$work/entree" config check --template --config "$work/etc/entree.yaml")
