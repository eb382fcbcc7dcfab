{{- define "treaty.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "treaty.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Where Kafka is and how it is spoken to; nothing secret in it. */}}
{{- define "treaty.kafkaEnvironment" -}}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ .Values.kafka.bootstrapServers | quote }}}
- {name: KAFKA_SECURITY_PROTOCOL, value: {{ .Values.kafka.securityProtocol }}}
{{- if hasPrefix "SASL_" .Values.kafka.securityProtocol }}
- {name: KAFKA_SASL_MECHANISM, value: {{ .Values.kafka.sasl.mechanism }}}
{{- end }}
{{- if hasSuffix "SSL" .Values.kafka.securityProtocol }}
{{- if .Values.kafka.tls.caSecret }}
- {name: KAFKA_SSL_CA_FILE, value: /run/treaty/secrets/kafka-ca.crt}
{{- end }}
{{- if .Values.kafka.tls.clientSecret }}
- {name: KAFKA_SSL_CERTIFICATE_FILE, value: /run/treaty/secrets/kafka-client.crt}
- {name: KAFKA_SSL_KEY_FILE, value: /run/treaty/secrets/kafka-client.key}
{{- end }}
{{- end }}
- {name: TREATY_SECRETS_DIR, value: /run/treaty/secrets}
- {name: TREATY_LOG_LEVEL, value: {{ .Values.logLevel }}}
{{- end -}}

{{/* dict "root" $ "secrets" [which]: whom the database's client trusts, where the URL asks it to verify. */}}
{{- define "treaty.databaseEnvironment" -}}
{{- if and (has "database" .secrets) .root.Values.database.tls.caSecret }}
- {name: PGSSLROOTCERT, value: /run/treaty/secrets/database-ca.crt}
{{- end }}
{{- end -}}

{{- define "treaty.tracingEnvironment" -}}
- {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ .endpoint | quote }}}
- {name: OTEL_TRACES_SAMPLER, value: {{ .sampler }}}
{{- with .samplerArgument }}
- {name: OTEL_TRACES_SAMPLER_ARG, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{/* dict "root" $ "secrets" [which]: files named by the settings they are, so that no value stands in an environment. */}}
{{- define "treaty.secretsVolume" -}}
{{- $v := .root.Values -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- if hasPrefix "SASL_" $v.kafka.securityProtocol }}
      - secret:
          name: {{ $v.kafka.sasl.existingSecret }}
          items:
            - {key: {{ $v.kafka.sasl.usernameKey }}, path: KAFKA_SASL_USERNAME}
            - {key: {{ $v.kafka.sasl.passwordKey }}, path: KAFKA_SASL_PASSWORD}
      {{- end }}
      {{- if hasSuffix "SSL" $v.kafka.securityProtocol }}
      {{- if $v.kafka.tls.caSecret }}
      - secret:
          name: {{ $v.kafka.tls.caSecret }}
          items: [{key: {{ $v.kafka.tls.caKey }}, path: kafka-ca.crt}]
      {{- end }}
      {{- if $v.kafka.tls.clientSecret }}
      - secret:
          name: {{ $v.kafka.tls.clientSecret }}
          items: [{key: tls.crt, path: kafka-client.crt}, {key: tls.key, path: kafka-client.key}]
      {{- end }}
      {{- end }}
      {{- if has "database" .secrets }}
      - secret:
          name: {{ $v.database.existingSecret }}
          items: [{key: {{ $v.database.key }}, path: DATABASE_URL}]
      {{- if $v.database.tls.caSecret }}
      - secret:
          name: {{ $v.database.tls.caSecret }}
          items: [{key: {{ $v.database.tls.caKey }}, path: database-ca.crt}]
      {{- end }}
      {{- end }}
      {{- if has "redis" .secrets }}
      - secret:
          name: {{ $v.redis.existingSecret }}
          items: [{key: {{ $v.redis.key }}, path: REDIS_URL}]
      {{- if $v.redis.tls.caSecret }}
      - secret:
          name: {{ $v.redis.tls.caSecret }}
          items: [{key: {{ $v.redis.tls.caKey }}, path: redis-ca.crt}]
      {{- end }}
      {{- end }}
      {{- if has "sealing" .secrets }}
      - secret:
          name: {{ $v.sealing.existingSecret }}
          items: [{key: {{ $v.sealing.key }}, path: TREATY_SEALING_KEY}]
      {{- end }}
      {{- if has "tokens" .secrets }}
      - secret:
          name: {{ $v.tokens.existingSecret }}
          items: [{key: {{ $v.tokens.key }}, path: jwks.json}]
      {{- end }}
      {{- if and (has "issuer" .secrets) $v.developmentIssuer.enabled }}
      - secret:
          name: {{ $v.developmentIssuer.existingSecret }}
          items:
            - {key: {{ $v.developmentIssuer.keyKey }}, path: issuer.jwk}
            - {key: {{ $v.developmentIssuer.clientSecretKey }}, path: TREATY_DEV_CLIENT_SECRET}
      {{- end }}
{{- end -}}

{{- define "treaty.mounts" -}}
- {name: secrets, mountPath: /run/treaty/secrets, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- end -}}

{{- define "treaty.tmpVolume" -}}
- name: tmp
  emptyDir: {sizeLimit: 256Mi}
{{- end -}}
