"""The files a platform is installed from, for a choice of services and plugins: compose and Helm values."""
