{{/* Parts that the pods of operator and solver share. They take (dict "top" $ "component" ... "of" <values of the component>). */}}

{{- define "certwright.image" -}}
{{- $usual := .top.Values.image -}}
{{- $own := default dict .own -}}
{{- $registry := .top.Values.global.imageRegistry | default $own.registry | default $usual.registry -}}
{{- $repository := $own.repository | default $usual.repository -}}
{{- /* An own tag is not the one whose digest the other image has. */ -}}
{{- $digest := $own.digest | default (ternary "" $usual.digest (not (empty (or $own.tag $own.repository)))) -}}
{{- $tag := $own.tag | default $usual.tag | default .top.Chart.AppVersion -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $repository }}:{{ $tag }}{{ with $digest }}@{{ . }}{{ end }}
{{- end -}}

{{- define "certwright.podMetadata" -}}
{{- with .of.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
labels:
  {{- include "certwright.labels" (set (omit .) "given" .of.podLabels) | nindent 2 }}
{{- end -}}

{{/* A variable that Kubernetes fills in from the pod. Takes (list <name> <field>). */}}
{{- define "certwright.fromPod" -}}
name: {{ index . 0 }}
valueFrom:
  fieldRef:
    fieldPath: {{ index . 1 }}
{{- end -}}

{{/*
Variables of a container: the chart's own, then the user's. Takes "own" (a list of them), "extra" and "value", which is
the name of the value that "extra" came from. Kubernetes would take the last of two, and helm the first or none.
*/}}
{{- define "certwright.env" -}}
{{- $taken := list -}}
{{- $proxies := list -}}
{{- range .own -}}
{{- $taken = append $taken .name -}}
{{- if hasSuffix "_PROXY" .name -}}{{- $proxies = append $proxies .name -}}{{- end -}}
{{- end -}}
{{- range .extra -}}
{{- if has (upper .name) $proxies -}}
{{- fail (printf "the value %s and %s in %s say the same thing: leave one of them out" (lower .name) .name $.value) -}}
{{- end -}}
{{- if has .name $taken -}}
{{- fail (printf "%s in %s is there already: each variable can be set once" .name $.value) -}}
{{- end -}}
{{- $taken = append $taken .name -}}
{{- end -}}
{{ toYaml (concat .own .extra) }}
{{- end -}}

{{/* Where and how a pod runs, but for its containers. */}}
{{- define "certwright.podSpec" -}}
enableServiceLinks: false
securityContext:
  {{- toYaml .top.Values.securityContext | nindent 2 }}
terminationGracePeriodSeconds: {{ .of.terminationGracePeriodSeconds }}
{{- with concat .top.Values.global.imagePullSecrets .top.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with default .top.Values.global.priorityClassName .of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- if .of.topologySpreadConstraints }}
  {{- toYaml .of.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "certwright.selector" . | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- with .top.Values.podDnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .top.Values.podDnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .top.Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .of.volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What a container has whatever its program. Takes "port", the name of the port with the health pages, as well. */}}
{{- define "certwright.container" -}}
securityContext:
  {{- toYaml .top.Values.containerSecurityContext | nindent 2 }}
resources:
  {{- toYaml .of.resources | nindent 2 }}
startupProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  {{- toYaml .top.Values.startupProbe | nindent 2 }}
livenessProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  {{- toYaml .top.Values.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ .port }}
  {{- toYaml .top.Values.readinessProbe | nindent 2 }}
{{- with .of.volumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A PodDisruptionBudget's body below metadata; with one replica there is nothing to keep. */}}
{{- define "certwright.budget" -}}
{{- $budget := .of.podDisruptionBudget -}}
spec:
  selector:
    matchLabels:
      {{- include "certwright.selector" . | nindent 6 }}
  {{- if not (kindIs "invalid" $budget.minAvailable) }}
  minAvailable: {{ $budget.minAvailable }}
  {{- else if not (kindIs "invalid" $budget.maxUnavailable) }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- else }}
  maxUnavailable: 1
  {{- end }}
  unhealthyPodEvictionPolicy: AlwaysAllow
{{- end -}}
