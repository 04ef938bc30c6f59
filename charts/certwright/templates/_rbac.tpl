{{/*
The manifests in files/ are written for a release "certwright" in the namespace "certwright". These make them those of
this release. The rules are never changed, but that a role that may read itself does so by its own name, and that a
namespaced operator has no use for cluster-wide resources.
*/}}

{{/* One document for this release. Takes (dict "top" $ "component" ... "body" <document> "name" ... "account" ...). */}}
{{- define "certwright.rbacDocument" -}}
{{- $body := deepCopy .body -}}
{{- $_ := set $body.metadata "name" .name -}}
{{- $_ := set $body.metadata "labels" (include "certwright.labels" . | fromYaml) -}}
{{- if .namespace -}}
{{- $_ := set $body.metadata "namespace" .namespace -}}
{{- end -}}
{{- if hasKey $body "roleRef" -}}
{{- $_ := set $body.roleRef "name" .name -}}
{{- range $body.subjects -}}
{{- $_ := set . "name" $.account -}}
{{- $_ := set . "namespace" $.top.Release.Namespace -}}
{{- end -}}
{{- end -}}
{{- range $body.rules -}}
{{- if has "clusterroles" .resources -}}
{{- $_ := set . "resourceNames" (list $.name) -}}
{{- if $.namespaced -}}
{{- $_ := set . "resources" (list "roles") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if .namespaced -}}
{{- $_ := set $body "kind" (trimPrefix "Cluster" $body.kind) -}}
{{- if hasKey $body "roleRef" -}}
{{- $_ := set $body.roleRef "kind" "Role" -}}
{{- end -}}
{{- if hasKey $body "rules" -}}
{{- $rules := list -}}
{{- range $body.rules -}}
{{- $_ := set . "resources" (without .resources "clusterissuers" "clusterissuers/status") -}}
{{- if .resources -}}{{- $rules = append $rules . -}}{{- end -}}
{{- end -}}
{{- $_ := set $body "rules" $rules -}}
{{- end -}}
{{- end -}}
{{- range .more -}}
{{- $_ := set $body "rules" (append $body.rules .) -}}
{{- end -}}
{{ toYaml $body }}
{{- end -}}
