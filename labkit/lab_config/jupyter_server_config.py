# The lab's own Jupyter settings; the user's are neither read nor changed.
c = get_config()  # noqa: F821

# On this machine only. Jupyter's own token stays; root is common in a container.
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.allow_root = True

# Warnings only; the address to open is printed all the same.
c.Application.log_level = 30

# A browser that no media reaches gets pictures through this proxy: from servers on this machine
# only, and only for who has Jupyter's token.
c.ServerApp.jpserver_extensions = {"jupyter_server_proxy": True}
c.ServerProxy.host_allowlist = ["localhost", "127.0.0.1"]

# Notebooks use the Python that labkit is installed in, not a kernel of the user's.
c.KernelSpecManager.allowed_kernelspecs = {"python3"}
c.MultiKernelManager.default_kernel_name = "python3"
