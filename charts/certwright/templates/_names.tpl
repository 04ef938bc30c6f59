{{/* What all objects of the release are named after; a Service is among them, which has the narrowest rules (RFC 1035). */}}
{{- define "certwright.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $own := default .Chart.Name .Values.nameOverride -}}
{{- $long := ternary .Release.Name (printf "%s-%s" .Release.Name $own) (contains $own .Release.Name) -}}
{{- $name = regexReplaceAll "-+$" (trunc 50 $long) "" -}}
{{- end -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "the release's objects would be named %s, and a Service must begin with a letter and have small letters, digits and - only: choose another name with fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{/* The role by which the operator works on users' objects, and which owns the routes that it makes for them. */}}
{{- define "certwright.workingRole" -}}
{{ include "certwright.fullname" . }}{{ if .Values.watchNamespaces }}-watched{{ end }}
{{- end -}}

{{- define "certwright.responderName" -}}
{{ include "certwright.fullname" . }}-responder
{{- end -}}

{{- define "certwright.serviceAccount" -}}
{{- if or .Values.serviceAccount.name .Values.serviceAccount.create -}}
{{ default (include "certwright.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{- fail "serviceAccount.create is false: say in serviceAccount.name which ServiceAccount the operator has" -}}
{{- end -}}
{{- end -}}

{{- define "certwright.responderServiceAccount" -}}
{{- $account := .Values.responder.serviceAccount -}}
{{- if or $account.name $account.create -}}
{{ default (include "certwright.responderName" .) $account.name }}
{{- else -}}
{{- fail "responder.serviceAccount.create is false: say in responder.serviceAccount.name which ServiceAccount the solver pods have" -}}
{{- end -}}
{{- end -}}

{{/* What never changes in the life of a Deployment. Takes (dict "top" $ "component" "operator"). */}}
{{- define "certwright.selector" -}}
app.kubernetes.io/name: {{ default .top.Chart.Name .top.Values.nameOverride | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/instance: {{ .top.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/*
Labels of an object; what users give wins over what only describes. Takes (dict "top" $ "component" "operator"), with
"given" for labels of this object alone.
*/}}
{{- define "certwright.labels" -}}
{{- $given := merge (dict) (default dict .given) .top.Values.global.commonLabels -}}
{{- $fixed := include "certwright.selector" . | fromYaml -}}
{{- $_ := set $fixed "app.kubernetes.io/managed-by" .top.Release.Service -}}
{{- range $label := keys $given | sortAlpha -}}
{{- if hasKey $fixed $label -}}
{{- fail (printf "the label %s is the chart's own, because objects are found by it: take it out of commonLabels, podLabels or the ServiceAccount's labels" $label) -}}
{{- end -}}
{{- if hasPrefix "certwright.dev/" $label -}}
{{- fail (printf "the label %s would have the operator take the object for one of its own making: take it out of commonLabels, podLabels or the ServiceAccount's labels" $label) -}}
{{- end -}}
{{- if hasPrefix "rbac.authorization.k8s.io/" $label -}}
{{- fail (printf "the label %s would give users the operator's own permissions: take it out of commonLabels; global.rbac.aggregateClusterRoles makes roles for users" $label) -}}
{{- end -}}
{{- end -}}
{{- $about := dict "app.kubernetes.io/part-of" "certwright" "app.kubernetes.io/version" .top.Chart.AppVersion -}}
{{- $_ := set $about "helm.sh/chart" (printf "%s-%s" .top.Chart.Name .top.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{ toYaml (merge $fixed $given $about) }}
{{- end -}}
