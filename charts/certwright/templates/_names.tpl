{{/* What all objects of the release are named after. */}}
{{- define "certwright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
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

{{- define "certwright.labels" -}}
{{ include "certwright.selector" . }}
app.kubernetes.io/part-of: certwright
app.kubernetes.io/managed-by: {{ .top.Release.Service }}
app.kubernetes.io/version: {{ .top.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .top.Chart.Name .top.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .top.Values.global.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
