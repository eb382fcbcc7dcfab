{{/* The release's name, no longer than its longest child allows. */}}
{{- define "treaty.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* dict "root" $ "component" name: what a selector says, which never changes. */}}
{{- define "treaty.selector" -}}
app.kubernetes.io/name: treaty
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "treaty.labels" -}}
{{ include "treaty.selector" . }}
app.kubernetes.io/part-of: treaty
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Where browsers find a service: "" where nothing is exposed. dict "root" $ "service" name. */}}
{{- define "treaty.publicUrl" -}}
{{- $v := .root.Values -}}
{{- $ingress := and $v.ingress.enabled (index $v.ingress.hosts .service) -}}
{{- $route := and $v.httpRoute.enabled (index $v.httpRoute.hosts .service) -}}
{{- if $ingress -}}
{{- printf "%s://%s" (ternary "https" "http" (not (empty $v.ingress.tls))) $ingress -}}
{{- else if $route -}}
{{- printf "https://%s" $route -}}
{{- end -}}
{{- end -}}

{{/* dict "root" $ "image" name, and of a worker group "own" {repository, tag}. */}}
{{- define "treaty.image" -}}
{{- $i := .root.Values.image -}}
{{- $own := default dict .own -}}
{{- $tag := $own.tag | default $i.tag | default .root.Chart.AppVersion -}}
{{- if $own.repository -}}
{{- printf "%s:%s" $own.repository $tag -}}
{{- else -}}
{{- printf "%s%s/%s:%s" (ternary "" (printf "%s/" $i.registry) (empty $i.registry)) $i.repository .image $tag -}}
{{- end -}}
{{- end -}}

{{/* All services and worker groups as the other templates see them: name -> facts, merged with what the values say. */}}
{{- define "treaty.components" -}}
{{- $facts := .Files.Get "files/services.yaml" | fromYaml -}}
{{- $found := dict -}}
{{- range $name, $fact := $facts -}}
{{- $told := index $.Values.services $name | default dict -}}
{{- if ne false $told.enabled -}}
{{- $_ := set $found $name (mergeOverwrite (deepCopy $.Values.serviceDefaults) (deepCopy $told) $fact) -}}
{{- end -}}
{{- end -}}
{{- range $group, $worker := .Values.workers -}}
{{- $fact := dict "module" "treaty_normalization" "kind" "StatefulSet" "secrets" list "reaches" (list "kafka") "reachable" list "worker" $group "own" $worker.image -}}
{{- $_ := set $fact "image" "worker" -}}
{{- $_ := set $found (printf "worker-%s" $group) (mergeOverwrite (deepCopy $.Values.serviceDefaults) (omit (deepCopy $worker) "image") $fact) -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}

{{/* Jobs before an install or upgrade: topics, and the tables of what is installed. */}}
{{- define "treaty.jobs" -}}
{{- $components := include "treaty.components" . | fromYaml -}}
{{- $found := dict "topics" (dict "image" "cli" "command" (list "treaty" "job" "topics") "secrets" list "reaches" (list "kafka") "reachable" list) -}}
{{- range $name, $of := dict "registry-migration" (list "device-registry" "treaty_device_registry.migrate" "registry" "projector") "governance-migration" (list "contract-governance" "treaty_contract_governance.migrate" "governance") -}}
{{- if or (hasKey $components (index $of 2)) (hasKey $components (last $of)) -}}
{{- $_ := set $found $name (dict "image" (first $of) "command" (list "python" "-m" (index $of 1)) "secrets" (list "database") "reaches" (list "database") "reachable" list) -}}
{{- end -}}
{{- end -}}
{{- $found | toYaml -}}
{{- end -}}

{{/* The port of a URL. */}}
{{- define "treaty.urlPort" -}}
{{- regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (ternary "443" "80" (hasPrefix "https:" .)) -}}
{{- end -}}
